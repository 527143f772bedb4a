/** The phone that is shown: the page's own, unless a test or the component page puts another in its place. */
import { createContext, useContext } from "react";
import type { PhoneActions, PhoneCore, PhoneState } from "../api";
import * as core from "../core";

export const ShownPhone = createContext<PhoneCore>(core);

export function usePhone(): PhoneState {
  return useContext(ShownPhone).usePhone();
}

export function useMicrophoneLevel(active: boolean): number {
  return useContext(ShownPhone).useMicrophoneLevel(active);
}

export function usePhoneActions(): PhoneActions {
  return useContext(ShownPhone).phone;
}
