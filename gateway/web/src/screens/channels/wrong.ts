import { useEffect } from "react";
import { Problem } from "@/api";

/** Leads whoever typed to the first field that the server does not take: it may stand far above the button. */
export function useFirstWrong(form: string, error: unknown): void {
  useEffect(() => {
    if (!(error instanceof Problem) || Object.keys(error.fields).length === 0) return;
    const field = document.getElementById(form)?.querySelector<HTMLElement>('[aria-invalid="true"]');
    field?.scrollIntoView({ block: "center" });
    field?.focus({ preventScroll: true });
  }, [form, error]);
}

/** What is wrong with fields that the form does not have: said above it, not swallowed. */
export function strayFaults(error: unknown, shown: readonly string[]): readonly string[] {
  if (!(error instanceof Problem)) return [];
  return Object.entries(error.fields).flatMap(([field, why]) => (shown.includes(field) ? [] : [`${field}: ${why}`]));
}
