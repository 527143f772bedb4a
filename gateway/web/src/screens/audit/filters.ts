/** What of the log is looked at; kept in the address. */
export const AREAS = ["sign_in.", "user.", "role.", "team.", "api_key.", "device.", "recording.", "call.", "job.", "tenant.", "setting.", "site.", "audit."] as const;

export interface Filters {
  q?: string;
  action?: string;
  actor?: string;
  subject?: string;
}

const NAMES = ["q", "action", "actor", "subject"] as const;

/** The filters of an address; what is none is passed over. */
export function fromSearch(search: Record<string, unknown>): Filters {
  const filters: Filters = {};
  for (const name of NAMES) {
    const value = search[name];
    // `?q=600` arrives as a number.
    const text = typeof value === "number" ? String(value) : value;
    if (typeof text === "string" && text !== "") filters[name] = text;
  }
  return filters;
}

export function isFiltered(filters: Filters): boolean {
  return NAMES.some((name) => filters[name] !== undefined);
}
