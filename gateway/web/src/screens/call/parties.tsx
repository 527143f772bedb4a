import { Headphones, PhoneOutgoing, User } from "lucide-react";
import type { ReactNode } from "react";
import type { components } from "@/api";
import { Badge, Card, Duration } from "@/design";
import { useT } from "@/i18n";
import { offset } from "./clock";
import { CallLink } from "../calls/call-back";

type Call = components["schemas"]["Call"];
type Leg = Call["legs"][number];

/** Every side that took part, or was rung and did not. */
export function Parties({ call, running, agentName, customer }: { call: Call; running: boolean; agentName: (id: string) => string | undefined; customer: string }) {
  const t = useT();
  if (call.legs.length === 0) return null;
  return (
    <Card>
      <section aria-label={t("call.parties.title")}>
        <h2 className="mb-3 text-sm font-semibold">{t("call.parties.title")}</h2>
        <ul className="grid gap-3">
          {call.legs.map((leg) => (
            <Party key={leg.id} leg={leg} name={leg.kind === "customer" ? <CallLink number={customer} /> : leg.kind === "outside" ? <CallLink number={leg.number ?? "?"} /> : ((leg.agent_id && agentName(leg.agent_id)) ?? t("calls.side.agent"))} startedAt={call.started_at} running={running && !leg.ended_at} />
          ))}
        </ul>
      </section>
    </Card>
  );
}

function Party({ leg, name, startedAt, running }: { leg: Leg; name: ReactNode; startedAt: string; running: boolean }) {
  const t = useT();
  const Icon = { customer: User, agent: Headphones, outside: PhoneOutgoing }[leg.kind];
  const begun = offset(Date.parse(leg.started_at) - Date.parse(startedAt));
  return (
    <li className="flex items-start gap-2.5">
      <span className="mt-0.5 text-ink-3">
        <Icon size={15} aria-hidden />
      </span>
      <div className="min-w-0 flex-1">
        <p className="truncate font-medium" dir="auto">
          {name}
        </p>
        <p className="num text-sm text-ink-2">
          {begun}
          {leg.answered_at && !running && leg.ended_at && (
            <>
              {" · "}
              <Duration ms={Date.parse(leg.ended_at) - Date.parse(leg.answered_at)} />
            </>
          )}
          {leg.answered_at && running && (
            <>
              {" · "}
              <Duration since={leg.answered_at} tick />
            </>
          )}
        </p>
      </div>
      {running ? <Badge tone={leg.answered_at ? "live" : "ring"} dot>{leg.answered_at ? t("call.party.there") : t("call.party.rings")}</Badge> : !leg.answered_at && <Badge tone="neutral">{t("call.party.unanswered")}</Badge>}
    </li>
  );
}
