/** The softphone: `core` is it, `ui` shows it. */
export * from "./api";
export { phone, phoneState, startPhone, useMicrophoneLevel, usePhone, usePhoneCall } from "./core";
export { CallBar } from "./ui/call-bar";
export { IncomingCall } from "./ui/incoming";
export { PhoneNotices } from "./ui/notices";
export { attempt } from "./ui/problems";
export { PhoneStatus } from "./ui/status";
