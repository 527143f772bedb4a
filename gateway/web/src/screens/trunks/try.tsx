import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { Button, Dialog, ErrorState, Skeleton } from "@/design";
import { t as text, useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { trunksApi } from "./api";
import { TRUNKS } from "./data";
import { usualPort } from "./draft";
import type { Trunk } from "./model";
import { ServerList } from "./status";
import { serverStanding, settled } from "./words";

/** How long a provider is given to say something, and how often is looked whether it has. */
const PATIENCE_MS = 30_000;
const LOOK_MS = 1500;

type Verdict = "waiting" | "good" | "partly" | "bad" | "silent";

function verdictOf(trunk: Trunk, patient: boolean): Verdict {
  const tones = trunk.status.map((one) => serverStanding(one).tone);
  if (!settled(trunk) && patient) return "waiting";
  if (tones.length === 0 || tones.every((one) => one === "wait")) return "silent";
  if (tones.every((one) => one === "live")) return "good";
  return tones.includes("live") ? "partly" : "bad";
}

/** Whether calls can go over a trunk: what each server finds, in words, until all have said something. */
export function TestTrunk({ id, onClose }: { id: string; onClose: () => void }) {
  const t = useT();
  const [round, setRound] = useState(0);
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={t("trunks.test.title")}
      footer={
        <>
          <Button onClick={() => setRound(round + 1)}>{t("trunks.test.again")}</Button>
          <Button variant="primary" onClick={onClose}>
            {t("common.close")}
          </Button>
        </>
      }
    >
      <Findings key={round} id={id} />
    </Dialog>
  );
}

function Findings({ id }: { id: string }) {
  const t = useT();
  const [patient, setPatient] = useState(true);
  useEffect(() => {
    const timer = setTimeout(() => setPatient(false), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);
  const one = useQuery({ queryKey: [...TRUNKS, id], queryFn: ({ signal }) => trunksApi.one(id, signal), refetchOnMount: "always", refetchInterval: LOOK_MS, gcTime: 0, staleTime: 0 });
  if (one.isError) return <ErrorState error={one.error} title={problemText(one.error)} onRetry={() => void one.refetch()} />;
  if (one.isPending) {
    return (
      <div aria-busy="true">
        <Skeleton lines={3} />
      </div>
    );
  }
  const trunk = one.data;
  const { settings } = trunk;
  const verdict = verdictOf(trunk, patient);
  return (
    <div className="grid gap-4">
      <p role="status" data-verdict={verdict} className={verdict === "bad" ? "text-md font-medium text-bad" : verdict === "good" ? "text-md font-medium text-live" : "text-md font-medium"}>
        {text(`trunks.test.${verdict}`, { name: trunk.name })}
      </p>
      {trunk.status.length > 0 && <ServerList trunk={trunk} />}
      {verdict === "bad" && <p className="text-md text-ink-2">{t("trunks.test.do", { host: `${settings.host}:${String(settings.port ?? usualPort(settings.transport))}`, transport: settings.transport.toUpperCase() })}</p>}
      {verdict === "good" && (
        <p className="text-md text-ink-2">
          {t("trunks.test.next")}{" "}
          <Link to="/settings/numbers" className="text-accent underline">
            {t("common.nav.numbers")}
          </Link>
        </p>
      )}
    </div>
  );
}
