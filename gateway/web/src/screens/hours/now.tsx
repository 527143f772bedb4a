import { DoorClosed, DoorOpen, MessageSquareText } from "lucide-react";
import { useState } from "react";
import { Badge, Button, useNow } from "@/design";
import { useT } from "@/i18n";
import { useNameOf } from "./data";
import type { Schedule } from "./model";
import { useOverride } from "./override";
import { OverrideDialog } from "./override-dialog";
import { momentText, standingOf } from "./words";

export function OpenBadge({ schedule }: { schedule: Schedule }) {
  useT();
  const standing = standingOf(schedule, useNow());
  return (
    <Badge tone={standing.tone} dot>
      <span data-open={schedule.open_now}>{standing.text}</span>
    </Badge>
  );
}

/** What holds beside the hours, by whom, and until when. */
export function OverrideLine({ schedule }: { schedule: Schedule }) {
  const t = useT();
  const now = useNow();
  const nameOf = useNameOf();
  const { override, time_zone: zone } = schedule;
  if (!override) return null;
  const by = nameOf(override.by);
  const since = momentText(Date.parse(override.since), zone, now);
  return (
    <p data-override={override.state} className="text-md break-words text-ink">
      {by ? t(`hours.override.by-${override.state}`, { by, since }) : t(`hours.override.since-${override.state}`, { since })}{" "}
      {override.until ? t("hours.override.ends", { when: momentText(Date.parse(override.until), zone, now, true) }) : t("hours.override.stays")}
      {override.note && <span className="text-ink-2"> “{override.note}”</span>}
    </p>
  );
}

/** Close or open at once; until when and why is said after, or beside it. */
export function OverrideButtons({ schedule }: { schedule: Schedule }) {
  const t = useT();
  const say = useOverride(schedule);
  const [asking, setAsking] = useState(false);
  const { override, name, open_now: open } = schedule;
  return (
    <div className="flex flex-wrap gap-2">
      {override ? (
        <Button size="sm" variant={override.state === "closed" ? "primary" : "secondary"} busy={say.pending} aria-label={t("hours.override.end-of", { name })} onClick={say.end}>
          {t("hours.override.end")}
        </Button>
      ) : (
        <Button
          size="sm"
          icon={open ? <DoorClosed size={14} aria-hidden /> : <DoorOpen size={14} aria-hidden />}
          busy={say.pending}
          aria-label={t(open ? "hours.close-of" : "hours.open-of", { name })}
          onClick={() => say.now(open ? "closed" : "open")}
        >
          {t(open ? "hours.close" : "hours.open")}
        </Button>
      )}
      <Button size="sm" variant="ghost" icon={<MessageSquareText size={14} aria-hidden />} aria-label={t("hours.override.ask-of", { name })} onClick={() => setAsking(true)}>
        {t("hours.override.ask")}
      </Button>
      {asking && <OverrideDialog schedule={schedule} onClose={() => setAsking(false)} />}
    </div>
  );
}
