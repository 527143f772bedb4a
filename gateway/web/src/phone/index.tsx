export function CallBar() {
  return null;
}
export function IncomingCall() {
  return null;
}
