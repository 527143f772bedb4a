import { CloudOff, RefreshCw } from "lucide-react";
import { Button, Popover, SOFT, type Tone, cx, useNow } from "@/design";
import { useT } from "@/i18n";
import type { Connection } from "./core";
import { useConnection } from "./hooks";
import { live } from "./shell";

const TONES: Record<Connection["state"], Tone> = { live: "live", connecting: "neutral", catching_up: "ring", offline: "bad" };

/** Whether what is shown is the present. */
export function ConnectionBadge() {
  return <ConnectionMark connection={useConnection()} />;
}

/** Its state is also said in words: colour alone is no signal. */
export function ConnectionMark({ connection }: { connection: Connection }) {
  const t = useT();
  const { state, behind, seq } = connection;
  const words = state === "catching_up" && behind > 0 ? t("live.behind", { n: behind }) : t(`live.state.${state}`);
  return (
    <div data-connection={state} data-seq={seq}>
      <output className="sr-only" aria-live="polite">
        {words}
      </output>
      <Popover
        label={t("live.title")}
        align="end"
        className="w-72"
        trigger={
          <button type="button" className={cx("inline-flex h-7 items-center gap-1.5 rounded-full px-2.5 text-sm font-medium", SOFT[TONES[state]])}>
            {state === "offline" ? <CloudOff size={14} aria-hidden /> : state === "live" ? <span aria-hidden className="size-2 rounded-full bg-live" /> : <RefreshCw size={13} aria-hidden className="animate-spin" />}
            <span className="num max-sm:sr-only">{words}</span>
          </button>
        }
      >
        <Explained connection={connection} />
      </Popover>
    </div>
  );
}

function Explained({ connection: { state, retryAt } }: { connection: Connection }) {
  const t = useT();
  const now = useNow();
  return (
    <div className="grid gap-2 text-md">
      <p className="font-medium">{t(`live.state.${state}`)}</p>
      <p className="text-ink-2">{t(`live.about.${state}`)}</p>
      {state === "offline" && (
        <div className="flex items-center justify-between gap-3">
          {retryAt !== null && retryAt > now && <span className="num text-sm text-ink-3">{t("live.retry", { n: Math.ceil((retryAt - now) / 1000) })}</span>}
          <Button size="sm" onClick={() => live.wake()}>
            {t("common.retry")}
          </Button>
        </div>
      )}
    </div>
  );
}
