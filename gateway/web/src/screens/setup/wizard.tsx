import { useMutation } from "@tanstack/react-query";
import { ArrowLeft, ArrowRight, Check } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Problem, api, body, newKey } from "@/api";
import { Banner, Button, Card, cx } from "@/design";
import { currentLanguage, useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { type Draft, type Fault, type Step, STEPS, faultsOf, firstDraft, readDraft, toBody } from "./draft";
import { faultIn, firstStepOf } from "./problems";
import type { Result } from ".";
import { AdminStep, CompanyStep, HoursStep, PeopleStep, ReviewStep } from "./steps";

const KEPT = "trunkline.setup-draft";

/** Words for faults that were found here, or that the server found and are known here. */
function useFaultWords(): (fault: Fault) => string {
  const t = useT();
  return (fault) => t(`wizard.fault.${fault}`);
}

export function Wizard({ onDone }: { onDone: (result: Result) => void }) {
  const t = useT();
  const words = useFaultWords();
  const [draft, setDraft] = useState<Draft>(() => readDraft(sessionStorage.getItem(KEPT)) ?? firstDraft(currentLanguage(), Intl.DateTimeFormat().resolvedOptions().timeZone, t("wizard.queue.first")));
  // Never kept: a password is in this page's memory only.
  const [password, setPassword] = useState("");
  const [at, setAt] = useState(0);
  const [furthest, setFurthest] = useState(0);
  const [errors, setErrors] = useState<Readonly<Record<string, string>>>({});
  const heading = useRef<HTMLHeadingElement>(null);
  const form = useRef<HTMLFormElement>(null);
  // The same body has the same key: what is sent again because no answer came makes no second company.
  const sent = useRef({ text: "", key: "" });
  const step: Step = STEPS[at] ?? "company";
  useEffect(() => sessionStorage.setItem(KEPT, JSON.stringify(draft)), [draft]);
  const create = useMutation({
    mutationFn: () => {
      const wanted = toBody(draft, password);
      const text = JSON.stringify(wanted);
      if (sent.current.text !== text) sent.current = { text, key: newKey() };
      return body(api.POST("/api/v1/setup", { params: { header: { "Idempotency-Key": sent.current.key } }, body: wanted }));
    },
    onSuccess: (result) => {
      sessionStorage.removeItem(KEPT);
      onDone(result);
    },
    onError: (error) => {
      if (!(error instanceof Problem)) return;
      const first = firstStepOf(Object.keys(error.fields));
      if (first === undefined) return;
      setErrors(
        Object.fromEntries(
          Object.entries(error.fields).map(([field, message]) => {
            const fault = faultIn(message);
            return [field, fault ? words(fault) : message];
          }),
        ),
      );
      go(STEPS.indexOf(first));
      toFault();
    },
  });
  const go = (to: number) => {
    setAt(to);
    setFurthest((before) => Math.max(before, to));
    requestAnimationFrame(() => {
      heading.current?.focus();
      document.querySelector('[aria-current="step"]')?.scrollIntoView({ block: "nearest", inline: "center" });
    });
  };
  const toFault = () => requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
  const next = () => {
    const faults = faultsOf(step, draft, password);
    setErrors(Object.fromEntries(Object.entries(faults).map(([field, fault]) => [field, words(fault)])));
    if (Object.keys(faults).length > 0) {
      toFault();
      return;
    }
    // What the server found is said at its field, and mended there.
    create.reset();
    if (step === "review") create.mutate();
    else go(at + 1);
  };
  const change = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }));
  const props = { draft, change, errors };
  return (
    <div className="grid grid-cols-[200px_minmax(0,1fr)] gap-6 max-md:grid-cols-1">
      <nav aria-label={t("wizard.steps")}>
        <ol className="grid gap-1 max-md:flex max-md:overflow-x-auto">
          {STEPS.map((one, index) => (
            <li key={one}>
              <button
                type="button"
                disabled={index > furthest}
                aria-current={index === at ? "step" : undefined}
                onClick={() => go(index)}
                className={cx("flex w-full items-center gap-2.5 rounded-md px-2.5 py-2 text-start text-md whitespace-nowrap disabled:text-ink-3", index === at ? "bg-accent-soft font-medium" : "hover:bg-sunken")}
              >
                <span aria-hidden className={cx("num grid size-5 shrink-0 place-items-center rounded-full text-xs", index < furthest ? "bg-accent text-accent-ink" : "border border-line-control")}>
                  {index < furthest ? <Check size={12} /> : index + 1}
                </span>
                {t(`wizard.step.${one}`)}
              </button>
            </li>
          ))}
        </ol>
      </nav>
      <Card>
        <form
          ref={form}
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            if (!create.isPending) next();
          }}
          className="grid gap-5"
        >
          <h2 ref={heading} tabIndex={-1} className="text-lg font-semibold outline-none">
            {t(`wizard.step.${step}`)}
          </h2>
          {create.isError && Object.keys(errors).length === 0 && (
            <div role="alert">
              <Banner tone="bad" className="rounded-md">
                {problemText(create.error)}
              </Banner>
            </div>
          )}
          {step === "company" && <CompanyStep {...props} />}
          {step === "hours" && <HoursStep {...props} />}
          {step === "admin" && <AdminStep {...props} password={password} setPassword={setPassword} />}
          {step === "people" && <PeopleStep {...props} />}
          {step === "review" && <ReviewStep draft={draft} />}
          <div className="flex justify-between gap-3 border-t border-line pt-4">
            <Button disabled={at === 0} icon={<ArrowLeft size={15} aria-hidden className="rtl:rotate-180" />} onClick={() => go(at - 1)}>
              {t("wizard.back")}
            </Button>
            <Button type="submit" variant="primary" busy={create.isPending}>
              {step === "review" ? t("wizard.create") : t("wizard.next")}
              {step !== "review" && <ArrowRight size={15} aria-hidden className="rtl:rotate-180" />}
            </Button>
          </div>
        </form>
      </Card>
    </div>
  );
}
