import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { ArrowRight, CornerUpLeft, Phone, RotateCcw } from "lucide-react";
import { type FormEvent, type RefObject, useEffect, useMemo, useRef, useState } from "react";
import { Banner, Button, Checkbox, Field, Input, PhoneNumber, Skeleton, Textarea, formatDateTime } from "@/design";
import { useT } from "@/i18n";
import { Keypad } from "@/phone/ui/keypad";
import { problemText } from "../calls/problem-text";
import { flowsApi } from "./api";
import type { Places } from "./data";
import type { Definition, Ends, HttpAnswer, Step } from "./model";
import { StepList } from "./step-list";
import { endsText, nodeName } from "./words";

interface Given {
  readonly from: string;
  readonly to: string;
  /** As `<input type="datetime-local">` has it: in the reader's own zone. */
  readonly at: string;
  readonly picksUp: boolean;
}

/** What was answered while it was tried, in order: the last can be taken back. */
type Answer = { readonly digits: string; readonly node: string; /** Then nothing more is pressed: the flow waits until it is over. */ readonly waits?: boolean } | HttpAnswer;

const two = (value: number) => String(value).padStart(2, "0");
export function localTime(date: Date): string {
  return `${String(date.getFullYear())}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

const bare = (number: string) => number.replace(/[\s()./-]/g, "");
const isNumber = (number: string) => /^\+[1-9]\d{6,14}$/.test(bare(number));
const isFrom = (number: string) => isNumber(number) || /^(anonymous)?$/i.test(number.trim());

interface Props {
  flow: string;
  definition: Definition;
  places: Places;
  /** Of the numbers that lead here, one. */
  number: string | undefined;
  onPath: (steps: readonly Step[] | undefined) => void;
  onGo: (node: string) => void;
}

/** A call that is only thought: the draft as it is now, with the keys that are pressed here. */
export function TryPanel({ flow, definition, places, number, onPath, onGo }: Props) {
  const t = useT();
  const [given, setGiven] = useState<Given>(() => ({ from: "+15550199", to: number ?? "+15550100", at: localTime(new Date()), picksUp: true }));
  const [running, setRunning] = useState(false);
  const [answers, setAnswers] = useState<readonly Answer[]>([]);
  const wrong = { from: !isFrom(given.from), to: !isNumber(given.to), at: Number.isNaN(Date.parse(given.at)) };
  const asked = useMemo(
    () => ({
      version: "draft" as const,
      definition,
      from: given.from.trim() === "" ? "anonymous" : isNumber(given.from) ? bare(given.from) : given.from.trim(),
      to: bare(given.to),
      at: Number.isNaN(Date.parse(given.at)) ? "" : new Date(given.at).toISOString(),
      keys: answers.flatMap((one) => ("digits" in one ? [{ node: one.node, digits: one.digits }, ...(one.waits ? [{ node: one.node, digits: "" }] : [])] : [])),
      http: answers.flatMap((one) => ("digits" in one ? [] : [one])),
      picks_up: given.picksUp,
    }),
    [definition, given, answers],
  );
  const tried = useQuery({
    queryKey: ["flow", flow, "simulate", asked],
    queryFn: ({ signal }) => flowsApi.simulate(flow, asked, signal),
    enabled: running && !wrong.from && !wrong.to && !wrong.at,
    placeholderData: keepPreviousData,
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  const path = running ? tried.data?.path : undefined;
  useEffect(() => {
    onPath(path);
  }, [path, onPath]);
  useEffect(() => () => onPath(undefined), [onPath]);
  const begin = (event?: FormEvent) => {
    event?.preventDefault();
    setAnswers([]);
    setRunning(true);
  };
  const change = (part: Partial<Given>) => {
    setGiven((now) => ({ ...now, ...part }));
    setAnswers([]);
  };
  const ends = tried.data?.ends;
  return (
    <div className="grid gap-4">
      <div>
        <h2 className="text-lg font-semibold">{t("flows.try-title")}</h2>
        <p className="text-sm text-ink-2">{t("flows.try-about")}</p>
      </div>
      <form onSubmit={begin} className="grid gap-3">
        {/* What is given is out of the way while it is tried. */}
        {running && !tried.isError ? (
          <button type="button" className="flex flex-wrap items-center gap-x-2 rounded-md border border-line px-2.5 py-1.5 text-start hover:bg-sunken" aria-label={t("flows.try-change")} onClick={() => setRunning(false)}>
            <PhoneNumber value={asked.from} />
            <ArrowRight size={13} aria-hidden className="text-ink-3 rtl:rotate-180" />
            <PhoneNumber value={asked.to} />
            <span className="num text-sm text-ink-3">{formatDateTime(asked.at, { dateStyle: "medium", timeStyle: "short" })}</span>
          </button>
        ) : (
          <>
            <Field label={t("flows.try-from")} error={wrong.from ? t("flows.try-number-wrong") : undefined}>
              <Input inputMode="tel" value={given.from} onChange={(event) => change({ from: event.target.value })} />
            </Field>
            <Field label={t("flows.try-to")} error={wrong.to ? t("flows.try-number-wrong") : undefined}>
              <Input inputMode="tel" value={given.to} onChange={(event) => change({ to: event.target.value })} />
            </Field>
            <Field label={t("flows.try-at")}>
              <Input type="datetime-local" value={given.at} onChange={(event) => change({ at: event.target.value })} />
            </Field>
            <Checkbox label={t("flows.try-picks-up")} checked={given.picksUp} onCheckedChange={(picksUp) => change({ picksUp })} />
          </>
        )}
        <div className="flex flex-wrap gap-2">
          <Button type="submit" variant={running ? "secondary" : "answer"} disabled={wrong.from || wrong.to || wrong.at} icon={running ? <RotateCcw size={14} aria-hidden /> : <Phone size={14} aria-hidden />}>
            {t(running ? "flows.try-again" : "flows.try-start")}
          </Button>
          {answers.length > 0 && (
            <Button icon={<CornerUpLeft size={14} aria-hidden />} onClick={() => setAnswers((now) => now.slice(0, -1))}>
              {t("flows.try-back")}
            </Button>
          )}
        </div>
      </form>
      {running && tried.isError && (
        <Banner tone="bad" className="rounded-md">
          <div role="alert">
            {t("flows.try-failed")}: {problemText(tried.error)}
          </div>
        </Banner>
      )}
      {running && tried.isPending && !tried.isError && <Skeleton lines={4} />}
      {path && (
        <section aria-label={t("flows.try-path")} className="grid gap-3 border-t border-line pt-3">
          <h3 className="text-sm font-semibold">{t("flows.try-path")}</h3>
          <StepList steps={path} nameOf={places.nameOf} label={t("flows.try-path")} onGo={onGo} />
          {ends && !tried.isPlaceholderData && (
            <div role="status" className="grid gap-3">
              {ends.type === "waiting" ? (
                <Asked key={`${String(answers.length)} ${String(ends.node)}`} ends={ends} definition={definition} onAnswer={(answer) => setAnswers((now) => [...now, answer])} />
              ) : (
                <p className="rounded-md bg-accent-soft px-3 py-2 font-medium" data-ends={ends.type}>
                  {endsText(ends, definition, places)}
                </p>
              )}
            </div>
          )}
        </section>
      )}
    </div>
  );
}

/** What the flow waits for: keys on a phone that is only drawn, or what a web service says. */
function Asked({ ends, definition, onAnswer }: { ends: Ends; definition: Definition; onAnswer: (answer: Answer) => void }) {
  const t = useT();
  const id = ends.node ?? "";
  const node = definition.nodes.find((one) => one.id === id);
  const step = node ? nodeName(node) : id;
  const root = useRef<HTMLElement>(null);
  useEffect(() => {
    // Newer browsers answer with a promise, which is nothing for React to clean up.
    root.current?.scrollIntoView({ block: "nearest" });
  }, []);
  const [typed, setTyped] = useState("");
  const [status, setStatus] = useState("200");
  const [answer, setAnswer] = useState("{}");
  if (ends.for === "answer") {
    const code = Number(status);
    return (
      <form
        ref={root as RefObject<HTMLFormElement>}
        className="grid gap-3 rounded-md border border-line p-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (Number.isInteger(code) && code >= 100 && code <= 599) onAnswer({ node: id, status: code, body: answer });
        }}
      >
        <p className="font-medium">{t("flows.try-http", { step })}</p>
        <Field label={t("flows.try-status")}>
          <Input type="number" min={100} max={599} className="w-24" value={status} onChange={(event) => setStatus(event.target.value)} />
        </Field>
        <Field label={t("flows.try-body")}>
          <Textarea rows={3} spellCheck={false} className="font-mono text-sm" value={answer} onChange={(event) => setAnswer(event.target.value)} />
        </Field>
        <div className="flex flex-wrap gap-2">
          <Button type="submit" variant="primary">
            {t("flows.try-answer")}
          </Button>
          <Button onClick={() => onAnswer({ node: id, fails: true })}>{t("flows.try-fails")}</Button>
        </div>
      </form>
    );
  }
  const gathers = node?.do.type === "gather" ? node.do : undefined;
  const give = (digits: string, waits = false) => onAnswer({ node: id, digits, ...(waits ? { waits } : {}) });
  const press = (key: string) => {
    if (!gathers) return give(key);
    if (key === gathers.terminator) return give(typed + key);
    const next = typed + key;
    if (next.length >= gathers.max) give(next);
    else setTyped(next);
  };
  return (
    <div ref={root as RefObject<HTMLDivElement>} role="group" aria-label={t("flows.try-keypad")} className="grid gap-2.5 rounded-md border border-line p-3">
      <p className="font-medium">{t(gathers ? "flows.try-asked-digits" : "flows.try-asked", { step })}</p>
      {gathers && (
        <p className="num min-h-7 rounded-md bg-sunken px-2.5 py-1 text-lg" aria-label={t("flows.try-typed")}>
          {typed || " "}
        </p>
      )}
      <div className="mx-auto w-56">
        <Keypad onKey={press} />
      </div>
      <div className="flex flex-wrap justify-center gap-2">
        {gathers && typed !== "" && (
          <Button size="sm" variant="primary" onClick={() => give(typed, true)}>
            {t("flows.try-enter")}
          </Button>
        )}
        <Button size="sm" onClick={() => give("")}>
          {t("flows.try-nothing")}
        </Button>
      </div>
    </div>
  );
}
