import { SOLID, clock, cx } from "@/design";
import { useT } from "@/i18n";
import type { Step } from "./model";
import { sinceFirst, stepText } from "./step-words";

/** What happened, or would happen, step by step, with the time since the first. */
export function StepList({ steps, nameOf, label, differsAt, onGo }: { steps: readonly Step[]; nameOf: (id: unknown) => string | undefined; label: string; differsAt?: number | null; onGo?: (node: string) => void }) {
  const t = useT();
  return (
    <ol aria-label={label} className="grid">
      {steps.map((step, at) => {
        const { node } = step;
        const other = differsAt !== undefined && differsAt !== null && at >= differsAt;
        const words = stepText(step, nameOf);
        return (
          <li key={`${String(at)} ${step.what}`} data-what={step.what} className="relative flex gap-2.5 pb-2.5 last:pb-0">
            {at < steps.length - 1 && <span aria-hidden className="absolute start-[51px] top-3 -bottom-1 w-px bg-line" />}
            <span dir="ltr" className="num w-10 shrink-0 pt-px text-right text-sm text-ink-3 rtl:text-left">
              {clock(sinceFirst(steps, step))}
            </span>
            <span aria-hidden className={cx("relative mt-1.5 size-2 shrink-0 rounded-full ring-4 ring-surface", other ? SOLID.ring : SOLID.accent)} />
            <span className="min-w-0 flex-1 text-md [overflow-wrap:anywhere]">
              {at === differsAt && <span className="mb-0.5 block text-sm font-semibold text-ring">{t("flows.past-differs")}</span>}
              {node !== null && onGo ? (
                <button type="button" className="rounded-sm text-start hover:underline" onClick={() => onGo(node)}>
                  {words}
                </button>
              ) : (
                words
              )}
            </span>
          </li>
        );
      })}
    </ol>
  );
}
