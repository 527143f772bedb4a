import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { useMe } from "@/api";
import type { CallFilters } from "@/live";
import { type Filters, type Search, fromSearch, toQuery, toSearch } from "./filters";

/** The list as it was last looked at: where a call's page goes back to. */
let lastSearch: Search = {};

export function lastListSearch(): Search {
  return lastSearch;
}

/** The tenant's time zone; the browser's until it is known. */
export function useZone(): string {
  return useMe()?.tenant.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
}

export interface FiltersInUse {
  readonly filters: Filters;
  /** For the API. The same object as long as it says the same, so that nothing is read twice. */
  readonly query: CallFilters;
  set(change: Partial<Filters>): void;
  clear(): void;
}

/** The filters of the address. Changing them replaces it: going back leaves the list, not a filter. */
export function useFilters(): FiltersInUse {
  const search: Search = useSearch({ strict: false });
  const navigate = useNavigate();
  const zone = useZone();
  const filters = useMemo(() => fromSearch(search), [search]);
  lastSearch = toSearch(filters);
  // The day may have changed since the last look; within a day this stays the same text.
  const wanted = JSON.stringify(toQuery(filters, Date.now(), zone));
  const query = useMemo(() => JSON.parse(wanted) as CallFilters, [wanted]);
  const go = useCallback((next: Search) => void navigate({ to: "/calls", search: next, replace: true }), [navigate]);
  const set = useCallback((change: Partial<Filters>) => go(toSearch({ ...filters, ...change })), [filters, go]);
  const clear = useCallback(() => go({}), [go]);
  return { filters, query, set, clear };
}
