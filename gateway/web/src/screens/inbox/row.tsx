import { Check, CircleAlert, Hourglass, PenLine, PhoneCall } from "lucide-react";
import { memo } from "react";
import { useMe } from "@/api";
import { Avatar, Badge, SOLID, cx, formatDateTime, useNow, useZone } from "@/design";
import { useT } from "@/i18n";
import type { Label } from "./api";
import type { Row } from "./core";
import { CHANNEL_MARK, CHANNEL_TONE, LABEL_TONE, channelText, previewText, slaChip, spanText, tidy, titleOf } from "./words";

interface Props {
  row: Row;
  labels: ReadonlyMap<string, Label>;
  agent: string | undefined;
  open: boolean;
  selected: boolean;
  choosing: boolean;
  onSelect: (through: boolean) => void;
}

/** One conversation of the list. */
export const RowView = memo(function RowView({ row, labels, agent, open, selected, choosing, onSelect }: Props) {
  const t = useT();
  const me = useMe()?.user.id;
  const { line, unread, draft, mentioned } = row;
  const name = titleOf(line);
  const beneath = line.call_id || line.waiting_since || line.sla || line.priority >= 3 || line.contact.blocked || agent || line.label_ids.some((id) => labels.has(id));
  return (
    <div className={cx("group grid h-full grid-cols-[34px_minmax(0,1fr)_auto] content-start gap-x-2.5 gap-y-0.5 border-b border-line px-3.5 py-2.5", open && "bg-accent-soft", selected && !open && "bg-sunken")}>
      {open && <span aria-hidden className="absolute inset-y-0 start-0 w-[3px] bg-accent" />}
      <div className="relative row-span-3">
        <span className={cx("relative inline-block", (selected || choosing) && "invisible")}>
          <Avatar name={name} size={34} />
          <span aria-hidden className={cx("absolute -end-1 -bottom-1 grid size-4.5 place-items-center rounded-full border-2 border-surface text-[9px] leading-none font-bold text-bg", SOLID[CHANNEL_TONE[line.channel]])}>
            {CHANNEL_MARK[line.channel]}
          </span>
        </span>
        <button
          type="button"
          role="checkbox"
          aria-checked={selected}
          aria-label={t("inbox.select", { name })}
          tabIndex={-1}
          onClick={(event) => {
            event.stopPropagation();
            onSelect(event.shiftKey);
          }}
          className={cx("absolute inset-0 grid size-[34px] place-items-center rounded-full border", selected ? "border-accent bg-accent text-accent-ink" : "border-line-control bg-surface", !selected && !choosing && "opacity-0 focus-visible:opacity-100 group-hover:opacity-100")}
        >
          {selected && <Check size={16} aria-hidden />}
        </button>
      </div>
      <span className={cx("truncate text-md", unread ? "font-semibold" : "font-medium")}>
        <bdi>{name}</bdi>
        <span className="sr-only">
          , {channelText(line.channel)}
          {unread && `, ${t("inbox.unread")}`}
        </span>
      </span>
      <When row={row} />
      <p className={cx("col-start-2 flex min-w-0 gap-1 text-sm", unread ? "text-ink" : "text-ink-2")}>
        {row.failed && <CircleAlert size={13} role="img" aria-label={t("inbox.sent.failed")} data-failed className="mt-1 shrink-0 text-bad" />}
        {draft && <PenLine size={12} aria-label={t("inbox.draft")} className="mt-1 shrink-0 text-ring" />}
        <bdi className={cx("min-w-0", beneath ? "truncate" : "line-clamp-2 break-words")}>{tidy(previewText(line.last, me))}</bdi>
      </p>
      <span className="flex items-center gap-1 justify-self-end">
        {mentioned && <span className="rounded-full bg-ring-soft px-1.5 text-xs font-semibold text-ring">@</span>}
        {unread && <span aria-hidden className="block size-2.5 rounded-full bg-accent" />}
      </span>
      {beneath && <div className="col-span-2 col-start-2 flex h-5 min-w-0 items-center gap-1.5">
        <div className="flex min-w-0 flex-1 items-center gap-1.5 overflow-hidden">
        {line.call_id && (
          <Badge tone="live" className="text-xs">
            <PhoneCall size={11} aria-hidden />
            {t("inbox.call.live")}
          </Badge>
        )}
        <Waiting row={row} />
        <SlaChip row={row} />
        {line.priority >= 3 && (
          <Badge tone={line.priority === 4 ? "bad" : "ring"} className="text-xs">
            <CircleAlert size={11} aria-hidden />
            {line.priority === 4 ? t("inbox.priority.urgent") : t("inbox.priority.high")}
          </Badge>
        )}
        {line.contact.blocked && (
          <Badge tone="bad" className="text-xs">
            {t("inbox.blocked")}
          </Badge>
        )}
        {line.label_ids.map((id) => {
          const label = labels.get(id);
          return label ? (
            <span key={id} className={cx("shrink-0 rounded-full px-1.5 py-px text-xs font-medium", LABEL_TONE[label.colour])}>
              {label.name}
            </span>
          ) : null;
        })}
        </div>
        {agent && <span className="max-w-24 truncate text-xs text-ink-2">{agent}</span>}
      </div>}
    </div>
  );
});

/** When what the list is ordered by happened. */
function When({ row: { line } }: { row: Row }) {
  const t = useT();
  const now = useNow();
  const zone = useZone();
  const since = now - Date.parse(line.last_at);
  return (
    <time dateTime={line.last_at} title={formatDateTime(line.last_at, zone ? { zone, dateStyle: "medium", timeStyle: "short" } : {})} className="num text-xs whitespace-nowrap text-ink-2">
      {since < 60_000 ? t("inbox.now") : spanText(since)}
    </time>
  );
}

/** For how long they have had no answer. */
function Waiting({ row: { line } }: { row: Row }) {
  const t = useT();
  const now = useNow();
  const zone = useZone();
  const since = line.waiting_since;
  if (!since || now - Date.parse(since) < 60_000) return null;
  const words = t("inbox.waiting-since", { at: formatDateTime(since, zone ? { zone, dateStyle: "medium", timeStyle: "short" } : {}) });
  return (
    <span title={words} data-waiting className="num inline-flex shrink-0 items-center gap-1 text-xs text-ink-2">
      <Hourglass size={11} role="img" aria-label={words} />
      {spanText(now - Date.parse(since))}
    </span>
  );
}

function SlaChip({ row: { line } }: { row: Row }) {
  const now = useNow();
  // Until the minute turns it says the same.
  const chip = slaChip(line, now);
  if (!chip || chip.tone === "neutral") return null;
  return (
    <Badge tone={chip.tone} className="text-xs">
      {chip.text}
    </Badge>
  );
}
