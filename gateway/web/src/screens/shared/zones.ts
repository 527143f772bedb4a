/** Every IANA zone that this browser knows. */
export function zones(): readonly string[] {
  return [...new Set([...Intl.supportedValuesOf("timeZone"), "UTC"])];
}
