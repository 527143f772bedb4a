import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Monitor, Smartphone, Trash2 } from "lucide-react";
import { useEffect } from "react";
import { useMe } from "@/api";
import { type PushBrowser, pushBrowsersQuery, removePushBrowser, testPush } from "@/api/push";
import { Badge, Button, IconButton, RelativeTime, Skeleton, Switch, toast } from "@/design";
import { t as text, useT } from "@/i18n";
import { abilityOf, thisBrowser } from "@/push/device";
import { NoService, NotAllowed, forget, kept, subscription, turnOff, turnOn } from "@/push/subscribe";
import { problemText } from "../calls/problem-text";

const HERE = ["push", "here"];

/** Whether this browser is told while the panel is closed, and which others of one's own are. */
export function ThisDevice() {
  const t = useT();
  const queries = useQueryClient();
  const me = useMe();
  const here = useQuery({
    queryKey: HERE,
    queryFn: async () => {
      const found = await subscription();
      return { ability: abilityOf(thisBrowser()), endpoint: found && kept()?.endpoint === found.endpoint ? found.endpoint : null };
    },
  });
  useEffect(() => {
    // They may have been in the browser's settings meanwhile.
    const again = () => void (document.visibilityState === "visible" && queries.invalidateQueries({ queryKey: HERE }));
    document.addEventListener("visibilitychange", again);
    return () => document.removeEventListener("visibilitychange", again);
  }, [queries]);
  const change = useMutation({
    mutationFn: async (on: boolean): Promise<unknown> => (on ? me && turnOn(me) : turnOff()),
    onError: (error, on) =>
      toast({
        title: on ? text("notify.device.refused") : text("notify.device.not-off"),
        description: error instanceof NotAllowed ? text("notify.device.denied") : error instanceof NoService ? text("notify.device.no-service") : problemText(error),
        tone: "bad",
      }),
    onSettled: () => Promise.all([queries.invalidateQueries({ queryKey: HERE }), queries.invalidateQueries({ queryKey: pushBrowsersQuery.queryKey })]),
  });
  if (!here.data) return <Skeleton lines={2} />;
  const { ability, endpoint } = here.data;
  const why = ability === "ready" ? undefined : ability;
  return (
    <div className="grid gap-3">
      <div role="group" aria-label={t("notify.device.title")} className="grid gap-1">
        <p className="mb-1 text-sm font-medium text-ink-2">{t("notify.device.title")}</p>
        <Switch
          label={t("notify.device.on")}
          // What is being done shows already.
          checked={change.isPending ? change.variables : endpoint !== null}
          disabled={!me || change.isPending || (why !== undefined && endpoint === null)}
          onCheckedChange={(on) => change.mutate(on)}
        />
        <p data-ability={ability} className="text-sm text-ink-3">
          {t(`notify.device.${why ?? "about"}`)}
        </p>
      </div>
      <Browsers hereOn={endpoint !== null} />
    </div>
  );
}

function Browsers({ hereOn }: { hereOn: boolean }) {
  const t = useT();
  const queries = useQueryClient();
  const list = useQuery(pushBrowsersQuery);
  const remove = useMutation({
    mutationFn: async (browser: PushBrowser) => {
      await removePushBrowser(browser.id);
      if (browser.id === kept()?.id) await forget();
    },
    onSuccess: (_, browser) => toast({ title: text("notify.browsers.removed", { device: browser.device ?? text("notify.browsers.unnamed") }) }),
    onError: (error) => toast({ title: text("notify.device.not-off"), description: problemText(error), tone: "bad" }),
    onSettled: () => Promise.all([queries.invalidateQueries({ queryKey: pushBrowsersQuery.queryKey }), queries.invalidateQueries({ queryKey: HERE })]),
  });
  const test = useMutation({
    mutationFn: testPush,
    onSuccess: () => toast({ title: text("notify.test-sent"), tone: "good" }),
    onError: (error) => toast({ title: text("notify.test-not-sent"), description: problemText(error), tone: "bad" }),
  });
  if (list.isError)
    return (
      <div className="flex flex-wrap items-center gap-2">
        <p role="alert" className="text-sm text-ink-2">
          {t("notify.browsers.not-read")}
        </p>
        <Button size="sm" onClick={() => void list.refetch()}>
          {t("common.retry")}
        </Button>
      </div>
    );
  if (!list.data) return <Skeleton lines={2} />;
  // This one first; the others by when they came.
  const own = hereOn ? kept()?.id : undefined;
  const browsers = list.data.toSorted((a, b) => Number(b.id === own) - Number(a.id === own) || b.created_at.localeCompare(a.created_at));
  return (
    <section aria-labelledby="push-browsers" className="grid gap-2">
      <h3 id="push-browsers" className="text-sm font-medium text-ink-2">
        {t("notify.browsers.title")}
      </h3>
      {browsers.length === 0 ? (
        <p className="text-sm text-ink-3">{t("notify.browsers.none")}</p>
      ) : (
        <>
          <ul className="divide-y divide-line rounded-md border border-line">
            {browsers.map((one) => (
              <Row key={one.id} browser={one} here={one.id === own} busy={remove.isPending && remove.variables.id === one.id} onRemove={() => remove.mutate(one)} />
            ))}
          </ul>
          <div>
            <Button size="sm" busy={test.isPending} onClick={() => test.mutate()}>
              {t("notify.test")}
            </Button>
          </div>
        </>
      )}
    </section>
  );
}

function Row({ browser, here, busy, onRemove }: { browser: PushBrowser; here: boolean; busy: boolean; onRemove: () => void }) {
  const t = useT();
  const device = browser.device ?? t("notify.browsers.unnamed");
  const Icon = /iPhone|iPad|Android/.test(device) ? Smartphone : Monitor;
  return (
    <li data-browser={browser.id} className="flex items-center gap-3 px-3 py-2">
      <Icon size={17} aria-hidden className="shrink-0 text-ink-3" />
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-0.5">
          <span className="min-w-0 truncate font-medium">{device}</span>
          {here && <Badge tone="live">{t("notify.browsers.here")}</Badge>}
        </p>
        <p className="text-sm text-ink-3">
          <span className="[overflow-wrap:anywhere]">{browser.service}</span> · {t("notify.browsers.since")} <RelativeTime at={browser.created_at} /> ·{" "}
          {browser.last_sent_at ? (
            <>
              {t("notify.browsers.sent")} <RelativeTime at={browser.last_sent_at} />
            </>
          ) : (
            t("notify.browsers.never")
          )}
        </p>
        {browser.problem && <p className="text-sm text-bad">{t("notify.browsers.problem", { problem: browser.problem })}</p>}
      </div>
      <IconButton label={`${t("notify.browsers.remove")}: ${device}`} disabled={busy} onClick={onRemove}>
        <Trash2 size={16} aria-hidden />
      </IconButton>
    </li>
  );
}
