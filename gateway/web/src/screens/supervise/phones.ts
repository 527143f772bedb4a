/** On which of their phones a supervisor hears. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, body, useMe } from "@/api";
import { useAgent } from "@/live";
import { usePhone } from "@/phone";

const KEPT = "trunkline.supervise.phone";
export const BROWSER = "softphone";

export interface Choice {
  /** What was chosen and is there; else this browser where it is a phone; else whatever phone rings. */
  readonly phone: string | undefined;
  readonly desks: readonly { readonly id: string; readonly name: string }[];
  /** Whether this browser is a phone. */
  readonly browser: boolean;
  choose(phone: string): void;
}

export function usePhones(): Choice {
  const me = useMe()?.user.id ?? "";
  // Who takes no work has no phones to ask for.
  const isAgent = useAgent(me) !== undefined;
  const browser = usePhone().registration.state === "ready";
  const [kept, setKept] = useState(() => localStorage.getItem(KEPT) ?? BROWSER);
  const { data } = useQuery({ queryKey: ["devices", me], queryFn: ({ signal }) => body(api.GET("/api/v1/agents/{id}/devices", { params: { path: { id: me }, query: { limit: 200 } }, signal })), enabled: isAgent, staleTime: 60_000 });
  const desks = data?.items ?? [];
  // Until the desks are known, what was chosen is believed: a quick hand must not ring another phone.
  const there = data ? desks.some((one) => one.id === kept) : isAgent && kept !== BROWSER;
  const phone = there ? kept : browser ? BROWSER : undefined;
  return {
    phone,
    desks,
    browser,
    choose(next) {
      localStorage.setItem(KEPT, next);
      setKept(next);
    },
  };
}
