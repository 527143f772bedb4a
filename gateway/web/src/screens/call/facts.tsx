import type { ReactNode } from "react";
import type { components } from "@/api";
import { Badge, Card, DefinitionList, Duration, RelativeTime, formatDateTime, useNow, useZone } from "@/design";
import { useT } from "@/i18n";
import type { JournalEvent, LiveCall } from "@/live";
import { CallLink } from "../calls/call-back";
import { talked, waited } from "../calls/call-words";
import { StretchTime } from "../calls/columns";
import { heldMs } from "./timeline";

type Call = components["schemas"]["Call"];

/** The record of the call: numbers, times, and how sure we are of them. */
export function Facts({ call, live, queue, agent, events }: { call: Call; live: LiveCall; queue: string | undefined; agent: string | undefined; events: readonly JournalEvent[] }) {
  const t = useT();
  const zone = useZone();
  const wait = waited(live);
  const items: { term: string; value: ReactNode }[] = [
    { term: t("call.fact.from"), value: <CallLink number={live.from} /> },
    { term: t("call.fact.to"), value: <CallLink number={live.to} /> },
    ...(queue ? [{ term: t("call.fact.queue"), value: <span className="[overflow-wrap:anywhere]">{queue}</span> }] : []),
    ...(agent ? [{ term: t("call.fact.agent"), value: <span className="[overflow-wrap:anywhere]">{agent}</span> }] : []),
    { term: t("call.fact.started"), value: <RelativeTime at={live.started_at} /> },
    { term: t("call.fact.waited"), value: <StretchTime stretch={wait} /> },
    { term: t("call.fact.talked"), value: <StretchTime stretch={talked(live)} /> },
    { term: t("call.fact.held"), value: <Held events={events} /> },
  ];
  if (live.state === "ended") {
    items.push({
      term: t("call.fact.ended"),
      value: (
        <span>
          {live.ended_at ? <RelativeTime at={live.ended_at} /> : "–"}
          {call.estimated && (
            <Badge tone="ring" className="ms-2">
              {t("call.estimated.mark")}
            </Badge>
          )}
        </span>
      ),
    });
    if (live.end_reason) items.push({ term: t("call.fact.reason"), value: t(`calls.reason.${live.end_reason}`) });
    const codes = [call.sip_code && `SIP ${String(call.sip_code)}`, call.cause && `Q.850 ${String(call.cause)}`].filter(Boolean).join(" · ");
    if (codes) items.push({ term: t("call.fact.codes"), value: <span className="num text-ink-2">{codes}</span> });
  }
  return (
    <Card>
      <section aria-label={t("call.facts.title")}>
        <h2 className="mb-3 text-sm font-semibold">{t("call.facts.title")}</h2>
        <DefinitionList items={items} />
        {call.estimated && <p className="mt-3 border-t border-line pt-3 text-sm text-ink-2">{t("call.estimated.why")}</p>}
        {call.gaps.length > 0 && (
          <div className="mt-3 border-t border-line pt-3 text-sm text-ink-2">
            <p>{t("call.blind.why")}</p>
            <ul className="mt-1 grid gap-1">
              {call.gaps.map((gap) => (
                <li key={gap.from}>
                  <span className="num">
                    {formatDateTime(gap.from, zone ? { zone, dateStyle: "medium", timeStyle: "medium" } : {})} · <Duration ms={Date.parse(gap.to) - Date.parse(gap.from)} />
                  </span>{" "}
                  {gap.reason === "gateway_restart" ? t("call.blind.gateway_restart") : gap.reason === "connection_lost" ? t("call.blind.connection_lost") : gap.reason}
                </li>
              ))}
            </ul>
          </div>
        )}
      </section>
    </Card>
  );
}

function Held({ events }: { events: readonly JournalEvent[] }) {
  const running = events.findLast((event) => event.kind === "call.held" || event.kind === "call.resumed" || event.kind === "call.ended")?.kind === "call.held";
  return running ? <HeldNow events={events} /> : <HeldFor ms={heldMs(events, 0)} />;
}
function HeldNow({ events }: { events: readonly JournalEvent[] }) {
  return <HeldFor ms={heldMs(events, useNow())} />;
}
function HeldFor({ ms }: { ms: number }) {
  return ms > 0 ? <Duration ms={ms} /> : <span className="text-ink-3">–</span>;
}
