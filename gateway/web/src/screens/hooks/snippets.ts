/** What a dialplan holds to ask a hook, by each of the three ways. */
export const HOOKS = ["caller", "hours", "route", "event"] as const;
export type HookName = (typeof HOOKS)[number];
export const WAYS = ["subroutine", "agi", "http"] as const;
export type Way = (typeof WAYS)[number];

/** What a dialplan does with the answer. */
const THEN: Record<HookName, readonly string[]> = {
  caller: [
    'same => n,GotoIf($["${TRUNKLINE_CALLER_BLOCKED}" = "1"]?blocked)',
    'same => n,ExecIf($["${TRUNKLINE_CALLER_VIP}" = "1"]?Set(QUEUE_PRIO=10))',
  ],
  hours: ['same => n,GotoIf($["${TRUNKLINE_OPEN}" = "0"]?closed)'],
  route: [
    'same => n,GotoIf($["${TRUNKLINE_ROUTE}" = "queue"]?trunkline-trunk,${TRUNKLINE_ROUTE_NUMBER},1)',
    'same => n,GotoIf($["${TRUNKLINE_ROUTE}" = "voicemail"]?message)',
  ],
  event: [],
};

function call(hook: HookName, way: Way, places: { agi: string; url: string }): readonly string[] {
  const event = hook === "event";
  switch (way) {
    case "subroutine":
      return [`same => n,Gosub(trunkline-hook-${hook},s,1(${event ? "menu.chosen,support" : "${EXTEN}"}))`];
    case "agi":
      return [
        "same => n,Set(AGIEXITONHANGUP=yes)",
        event ? `same => n,AGI(agi://${places.agi}/event,name=menu.chosen,text=support,called=\${URIENCODE(\${EXTEN})})` : `same => n,AGI(agi://${places.agi}/${hook},called=\${URIENCODE(\${EXTEN})})`,
      ];
    case "http": {
      const asked = `called=\${URIENCODE(\${EXTEN})}&from=\${URIENCODE(\${CALLERID(num)})}${event ? "&name=menu.chosen&text=support" : ""}`;
      return [
        "same => n,Set(CURLOPT(conntimeout)=0.5)",
        "same => n,Set(CURLOPT(httptimeout)=0.5)",
        "same => n,Set(CURLOPT(hashcompat)=yes)",
        `same => n,Set(HASH(TL)=\${CURL(${places.url}${hook},format=hash&token=TOKEN&${asked})})`,
      ];
    }
  }
}

/** The lines to paste. */
export function snippet(hook: HookName, way: Way, places: { agi: string; url: string }): string {
  // Over HTTP the variables are in the hash, and are named so.
  const then = THEN[hook].map((line) => (way === "http" ? line.replaceAll(/\$\{(TRUNKLINE_\w+)\}/g, "${HASH(TL,$1)}") : line));
  return [...call(hook, way, places), ...then].join("\n");
}
