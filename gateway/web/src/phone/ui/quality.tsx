import { SignalHigh, SignalLow, SignalMedium } from "lucide-react";
import { DefinitionList, Popover, cx } from "@/design";
import { currentLanguage, useT } from "@/i18n";
import type { Quality } from "../api";

const LOOK = { good: [SignalHigh, "text-live"], fair: [SignalMedium, "text-ring"], poor: [SignalLow, "text-bad"] } as const;

/** How well the other side is heard: a word, and the figures for whoever asks. */
export function QualityMark({ quality }: { quality: Quality }) {
  const t = useT();
  const [Icon, colour] = LOOK[quality.grade];
  const number = (value: number, digits: number) => value.toLocaleString(currentLanguage(), { maximumFractionDigits: digits, minimumFractionDigits: digits });
  return (
    <Popover
      label={t("phone.quality.title")}
      trigger={
        <button type="button" className={cx("inline-flex h-7 items-center gap-1 rounded-md px-1.5 text-sm font-medium hover:bg-sunken", colour)}>
          <Icon size={16} aria-hidden />
          <span className="max-lg:sr-only">{t(`phone.quality.${quality.grade}`)}</span>
        </button>
      }
    >
      <p className="mb-2 font-medium">{t("phone.quality.title")}</p>
      <DefinitionList
        className="num"
        items={[
          { term: t("phone.quality.mos"), value: `${number(quality.mos, 1)} / 4.5` },
          { term: t("phone.quality.loss"), value: `${number(quality.loss * 100, 1)} %` },
          { term: t("phone.quality.jitter"), value: `${number(quality.jitterMs, 0)} ms` },
          { term: t("phone.quality.rtt"), value: quality.rttMs === undefined ? "–" : `${number(quality.rttMs, 0)} ms` },
        ]}
      />
      {quality.grade !== "good" && <p className="mt-2 max-w-64 text-sm text-ink-2">{t(`phone.quality.about-${quality.grade}`)}</p>}
    </Popover>
  );
}
