import { createContext, useContext } from "react";
import type { Places } from "../data";
import type { Definition, Do, Type } from "../model";
import type { LocalFault } from "../validate";
import { faultText } from "../words";

/** What every field of a step's form needs. */
export interface FormContext {
  readonly node: string;
  /** The flow that it is in. */
  readonly flow: string;
  readonly definition: Definition;
  readonly places: Places;
  readonly faults: readonly LocalFault[];
  readonly variables: readonly string[];
  /** `field`: typing that goes on in it is one change. */
  change: (what: Do, field: string) => void;
  connect: (exit: string, to: string | null) => void;
  /** A new step after a way out of this one. */
  addAfter: (exit: string, type: Type) => void;
}

export const Form = createContext<FormContext | undefined>(undefined);

export function useForm(): FormContext {
  const form = useContext(Form);
  if (!form) throw new Error("a field is outside of its form");
  return form;
}

/** What is wrong with a field, or with what is in it. */
export function useFault(field: string, deep = false): string | undefined {
  const { faults } = useForm();
  const fault = faults.find((one) => one.field === field || (deep && one.field?.startsWith(`${field}.`)));
  return fault ? faultText(fault) : undefined;
}
