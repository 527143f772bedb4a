export { phone, startPhone, usePhone, usePhoneCall, useMicrophoneLevel } from "./core";
export * from "./api";

export function CallBar() {
  return null;
}
export function IncomingCall() {
  return null;
}
