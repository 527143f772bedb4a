import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { ArrowLeft, RefreshCw } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Problem, api, useCan, useMe } from "@/api";
import { Banner, Button, EmptyState, ErrorState, PageHeader, Skeleton, toast } from "@/design";
import { useT } from "@/i18n";
import { useEvents, useQueues } from "@/live";
import { problemText } from "../calls/problem-text";
import { type Works, worksQuery } from "../shared/disposition";
import { type RulesDraft, draftOf, faultsOf, placed, touched, worksOf } from "./draft";
import { Elsewhere, Finding, Opening, Quality, Wrapping } from "./sections";
import { Waiting } from "./waiting";

interface Loaded {
  readonly works: Works;
  readonly etag: string | undefined;
}

/** How one queue works: who is asked, when it is open, where callers go whom nobody serves, and what follows a call. */
export default function QueueRules() {
  const t = useT();
  const { queueId = "" } = useParams({ strict: false });
  const queries = useQueryClient();
  const may = useCan("queues:manage");
  const queue = useQueues().find((one) => one.id === queueId);
  const zone = (useMe()?.tenant as { time_zone?: string } | undefined)?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const rules = useQuery({ ...worksQuery(queueId), enabled: may });
  useEvents(["queue.updated"], (event) => {
    if (event.subject.id === queueId) void queries.invalidateQueries({ queryKey: worksQuery(queueId).queryKey });
  });
  return (
    <div className="flex min-h-full flex-col">
      <PageHeader
        title={queue ? t("routing.title", { queue: queue.name }) : t("routing.title-plain")}
        description={
          <Link to="/queues" className="inline-flex min-h-6 items-center gap-1 text-sm hover:text-ink">
            <ArrowLeft size={14} aria-hidden className="rtl:rotate-180" />
            {t("routing.back")}
          </Link>
        }
      />
      {!may ? (
        <EmptyState title={t("common.error.forbidden.title")} text={t("common.error.forbidden.text")} />
      ) : rules.isError && !rules.data ? (
        <ErrorState error={rules.error} onRetry={() => void rules.refetch()} />
      ) : !rules.data ? (
        <div aria-busy="true" className="grid gap-4 p-5">
          <Skeleton height={220} />
          <Skeleton height={220} />
        </div>
      ) : (
        <Rules key={queueId} id={queueId} loaded={rules.data} zone={zone} />
      )}
    </div>
  );
}

function Rules({ id, loaded, zone }: { id: string; loaded: Loaded; zone: string }) {
  const t = useT();
  const queries = useQueryClient();
  const { queryKey } = worksQuery(id);
  const [base, setBase] = useState(loaded);
  const [draft, setDraft] = useState<RulesDraft>(() => draftOf(loaded.works, zone));
  const [shown, setShown] = useState<Readonly<Record<string, string>>>({});
  const form = useRef<HTMLFormElement>(null);
  const changed = JSON.stringify(draft) !== JSON.stringify(draftOf(base.works, zone));
  const begin = (from: Loaded) => {
    setBase(from);
    setDraft(draftOf(from.works, zone));
    setShown({});
  };
  const save = useMutation({
    mutationFn: async (): Promise<Loaded> => {
      const header = base.etag ? { "If-Match": base.etag } : {};
      const { data, response } = await api.PUT("/api/v1/queues/{id}/routing", { params: { path: { id }, header }, body: worksOf(draft) });
      return { works: data as Works, etag: response.headers.get("etag") ?? undefined };
    },
    onSuccess: (now) => {
      queries.setQueryData(queryKey, now);
      begin(now);
      toast({ title: t("routing.saved"), tone: "good" });
    },
    onError: (error) => {
      if (error instanceof Problem) setShown(placed(error.fields));
      setRefusals((n) => n + 1);
      if (error instanceof Problem && error.status === 412) void queries.invalidateQueries({ queryKey });
    },
  });
  const other = loaded.etag !== base.etag && !save.isPending;
  // Nothing of one's own is lost by it.
  if (other && !changed) begin(loaded);
  const conflict = other && changed;
  const fields = Object.keys(shown).length;
  const [refusals, setRefusals] = useState(0);
  useEffect(() => {
    if (refusals === 0) return;
    form.current?.querySelector<HTMLElement>('[aria-invalid="true"], [role="alert"]')?.scrollIntoView({ block: "center" });
    form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus({ preventScroll: true });
  }, [refusals]);
  const submit = () => {
    const faults = Object.fromEntries(Object.entries(faultsOf(draft)).map(([field, fault]) => [field, t(`routing.fault.${fault}`)]));
    setShown(faults);
    if (Object.keys(faults).length > 0) setRefusals((n) => n + 1);
    else if (!save.isPending) save.mutate();
  };
  const change = (what: Partial<RulesDraft>) => {
    setDraft((now) => ({ ...now, ...what }));
    // What is being mended is no longer complained of.
    const mended = touched(draft, what);
    setShown((now) => Object.fromEntries(Object.entries(now).filter(([field]) => !mended.includes(field))));
  };
  const part = { draft, change, errors: shown };
  const general = shown[""] ?? (save.error && !(save.error instanceof Problem && (save.error.status === 412 || Object.keys(save.error.fields).length > 0)) ? problemText(save.error) : undefined);
  return (
    <form
      ref={form}
      noValidate
      className="relative grid flex-1 grid-cols-1 content-between"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <div className="mx-auto grid w-full max-w-3xl grid-cols-1 gap-4 p-5 max-sm:p-3">
        <Finding {...part} />
        <Opening {...part} />
        <Elsewhere {...part} self={id} />
        <Waiting {...part} self={id} />
        <Wrapping {...part} />
        <Quality {...part} />
      </div>
      <div className="sticky bottom-0 border-t border-line bg-surface">
        <div className="mx-auto flex max-w-3xl flex-wrap items-center justify-end gap-2 px-5 py-3 max-sm:px-3">
          <div className="min-w-0 flex-1 max-sm:basis-full">
            {conflict ? (
              <Banner tone="ring">
                <span className="flex flex-wrap items-center gap-2">
                  {t("routing.conflict")}
                  <Button size="sm" icon={<RefreshCw size={14} aria-hidden />} onClick={() => begin(loaded)}>
                    {t("routing.load-anew")}
                  </Button>
                </span>
              </Banner>
            ) : general ? (
              <Banner tone="bad">{general}</Banner>
            ) : fields > 0 ? (
              <p role="alert" className="text-md text-bad">
                {t("routing.wrong", { n: fields })}
              </p>
            ) : (
              <p className="text-sm text-ink-2">{changed ? t("routing.unsaved") : t("routing.at-once")}</p>
            )}
          </div>
          <Button disabled={!changed} onClick={() => begin(base)}>
            {t("routing.discard")}
          </Button>
          <Button type="submit" variant="primary" busy={save.isPending} disabled={!changed || conflict}>
            {t("common.save")}
          </Button>
        </div>
      </div>
    </form>
  );
}
