import { memo, useMemo } from "react";
import { type Column, DataTable, EmptyState, cx } from "@/design";
import { useT } from "@/i18n";
import type { Queue } from "@/live";
import { share, whole } from "../reports/words";
import { Alarming, Level, Longest } from "./figure";
import { abandonRate, serviceLevel } from "./figures";
import { useQueueFigures } from "./feed";
import { signedIn, useCounts, useShown } from "./sums";
import { freeAlarm } from "./tones";

// The rows are the queues, which hardly ever change; each cell looks at its own figures and is drawn again when those have changed.

const Waiting = memo(function Waiting({ id }: { id: string }) {
  return <span className={cx("num", "font-semibold")}>{whole(useQueueFigures(id).waiting)}</span>;
});
const LongestOf = memo(function LongestOf({ id }: { id: string }) {
  return <Longest stay={useQueueFigures(id).longest} />;
});
const LevelNow = memo(function LevelNow({ id }: { id: string }) {
  return <Level value={serviceLevel(useShown(id).now)} />;
});
const LevelToday = memo(function LevelToday({ id }: { id: string }) {
  return <Level value={serviceLevel(useQueueFigures(id).today)} />;
});
const Count = memo(function Count({ id, of }: { id: string; of: "offered" | "answered" }) {
  return <span className="num">{whole(useQueueFigures(id).today[of])}</span>;
});
const Abandoned = memo(function Abandoned({ id }: { id: string }) {
  const { today } = useQueueFigures(id);
  const rate = abandonRate(today);
  return (
    <span className="num">
      {whole(today.abandoned)}
      {rate !== undefined && <span className="text-ink-2"> · {share(rate)}</span>}
    </span>
  );
});
const Agents = memo(function Agents({ id }: { id: string }) {
  const t = useT();
  const counts = useCounts(id);
  const { waiting } = useQueueFigures(id);
  return (
    <span className="num" title={t("board.agents.words", { free: counts.available, contact: counts.on_contact, signed: signedIn(counts) })}>
      <Alarming alarm={freeAlarm(counts.available, waiting)} words={t("people.queues.nobody-free")}>
        {whole(counts.available)}
      </Alarming>
      <span className="text-ink-2">
        {" / "}
        {whole(counts.on_contact)}
        {" / "}
        {whole(signedIn(counts))}
      </span>
    </span>
  );
});

/** Queue by queue: now, and the day so far. */
export function Queues({ queues, loading, counts, onChoose }: { queues: readonly Queue[]; loading: boolean; counts: boolean; onChoose: (queue: Queue) => void }) {
  const t = useT();
  const columns = useMemo<Column<Queue>[]>(() => {
    const figure = { numeric: true, width: "minmax(72px, 1fr)" } as const;
    return [
      { id: "queue", header: t("board.queue"), width: "minmax(120px, 1.6fr)", cell: (queue) => <span className="block truncate font-medium">{queue.name}</span> },
      { id: "waiting", header: t("board.waiting"), ...figure, cell: ({ id }) => <Waiting id={id} /> },
      { id: "longest", header: t("board.longest-wait"), ...figure, cell: ({ id }) => <LongestOf id={id} /> },
      { id: "agents", header: t("board.agents.short"), numeric: true, width: "minmax(140px, 1.4fr)", cell: ({ id }) => <Agents id={id} /> },
      ...(counts
        ? [
            { id: "level-now", header: t("board.level.now"), ...figure, width: "minmax(110px, 1fr)", cell: ({ id }: Queue) => <LevelNow id={id} /> },
            { id: "level-today", header: t("board.level.today-head"), ...figure, width: "minmax(90px, 1fr)", cell: ({ id }: Queue) => <LevelToday id={id} /> },
            { id: "offered", header: t("board.offered"), ...figure, hideBelow: "md" as const, cell: ({ id }: Queue) => <Count id={id} of="offered" /> },
            { id: "answered", header: t("board.answered"), ...figure, hideBelow: "lg" as const, cell: ({ id }: Queue) => <Count id={id} of="answered" /> },
            { id: "abandoned", header: t("board.abandoned"), ...figure, width: "minmax(100px, 1fr)", cell: ({ id }: Queue) => <Abandoned id={id} /> },
          ]
        : []),
    ];
  }, [t, counts]);
  return <DataTable label={t("common.nav.queues")} className="max-h-[70dvh]" columns={columns} rows={queues} rowKey={(queue) => queue.id} loading={loading} onOpen={onChoose} empty={<EmptyState title={t("people.queues.none")} text={t("people.queues.none-text")} />} />;
}
