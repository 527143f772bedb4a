/** Placed above every screen of the demo tenant. */
export function SetupBanner() {
  return null;
}
