import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useSyncExternalStore } from "react";
import { useZone } from "@/design";
import type { CallFilters } from "@/live";
import { type Day, addDays, dayOf, startOfDay } from "./days";
import { type Filters, type Search, fromSearch, toQuery, toSearch } from "./filters";

/** The list as it was last looked at: where a call's page goes back to. */
let lastSearch: Search = {};

export function lastListSearch(): Search {
  return lastSearch;
}

/** Today in the zone; changes at its midnight. */
function useToday(zone: string): Day {
  const subscribe = useCallback(
    (listener: () => void) => {
      let timer: ReturnType<typeof setTimeout>;
      const wait = () => {
        const midnight = startOfDay(addDays(dayOf(Date.now(), zone), 1), zone);
        timer = setTimeout(() => {
          listener();
          wait();
        }, midnight - Date.now() + 100);
      };
      wait();
      return () => clearTimeout(timer);
    },
    [zone],
  );
  return useSyncExternalStore(subscribe, () => dayOf(Date.now(), zone));
}

export interface FiltersInUse {
  readonly filters: Filters;
  /** For the API. */
  readonly query: CallFilters;
  set(change: Partial<Filters>): void;
  clear(): void;
}

/** The filters of the address. Changing them replaces it: going back leaves the list, not a filter. */
export function useFilters(): FiltersInUse {
  const search: Search = useSearch({ strict: false });
  const navigate = useNavigate();
  const zone = useZone() ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const filters = useMemo(() => fromSearch(search), [search]);
  const today = useToday(zone);
  const query = useMemo(() => toQuery(filters, today, zone), [filters, today, zone]);
  useEffect(() => {
    lastSearch = toSearch(filters);
  }, [filters]);
  const go = useCallback((next: Search) => void navigate({ to: "/calls", search: next, replace: true }), [navigate]);
  const set = useCallback((change: Partial<Filters>) => go(toSearch({ ...filters, ...change })), [filters, go]);
  const clear = useCallback(() => go({}), [go]);
  return { filters, query, set, clear };
}
