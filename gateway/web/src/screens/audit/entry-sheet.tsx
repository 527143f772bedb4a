import { Filter } from "lucide-react";
import type { ReactNode } from "react";
import { Button, DefinitionList, Sheet, formatDateTime, useZone } from "@/design";
import { useT } from "@/i18n";
import { type Change, type Entry, actionText, actorText, changes } from "./words";

interface Props {
  entry: Entry | undefined;
  onClose: () => void;
  onActor: (id: string) => void;
  onSubject: (id: string) => void;
}

/** One entry, whole: who, what, from where, before and after. */
export function EntrySheet({ entry, onClose, onActor, onSubject }: Props) {
  return (
    <Sheet
      open={entry !== undefined}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={entry ? actionText(entry.action) : ""}
    >
      {entry && <Whole entry={entry} onActor={onActor} onSubject={onSubject} />}
    </Sheet>
  );
}

function Whole({ entry, onActor, onSubject }: Omit<Props, "entry" | "onClose"> & { entry: Entry }) {
  const t = useT();
  const zone = useZone();
  const { actor, subject } = entry;
  const code = (text: string | null | undefined) => (text ? <span className="font-mono text-sm break-all">{text}</span> : <Nothing />);
  const items: { term: string; value: ReactNode }[] = [
    { term: t("audit.field.at"), value: formatDateTime(entry.at, zone ? { zone, dateStyle: "medium", timeStyle: "long" } : {}) },
    { term: t("audit.field.seq"), value: <span className="num">{entry.seq}</span> },
    { term: t("audit.field.action"), value: code(entry.action) },
    { term: t("audit.field.actor"), value: <Named name={actorText(entry)} id={actor.id} /> },
    { term: t("audit.field.subject"), value: <Named name={subject.name ?? subject.type} id={subject.id} /> },
    { term: t("audit.field.address"), value: code(entry.address) },
    { term: t("audit.field.agent"), value: entry.user_agent ? <span className="break-words">{entry.user_agent}</span> : <Nothing /> },
    { term: t("audit.field.session"), value: code(entry.via?.id) },
    { term: t("audit.field.request"), value: code(entry.request_id) },
  ];
  return (
    <div className="grid gap-5">
      <DefinitionList items={items} />
      <div className="flex flex-wrap gap-2">
        {actor.id && (
          <Button size="sm" icon={<Filter size={14} aria-hidden />} onClick={() => onActor(actor.id ?? "")}>
            {t("audit.only.actor")}
          </Button>
        )}
        {subject.id && (
          <Button size="sm" icon={<Filter size={14} aria-hidden />} onClick={() => onSubject(subject.id ?? "")}>
            {t("audit.only.subject")}
          </Button>
        )}
      </div>
      {entry.erased_at ? <p className="text-md text-ink-2">{t("audit.erased-text")}</p> : <Changes list={changes(entry)} />}
    </div>
  );
}

function Nothing() {
  return <span className="text-ink-3">–</span>;
}

function Named({ name, id }: { name: string; id: string | null | undefined }) {
  return (
    <>
      <span className="break-words">{name}</span>
      {id && <span className="block font-mono text-sm break-all text-ink-3">{id}</span>}
    </>
  );
}

/** Before and after, beside each other. Which is which is said, not only coloured. */
function Changes({ list }: { list: readonly Change[] }) {
  const t = useT();
  if (list.length === 0) return null;
  return (
    <section aria-labelledby="audit-changes">
      <h2 id="audit-changes" className="mb-2 font-semibold">
        {t("audit.changes")}
      </h2>
      <table className="w-full table-fixed text-start text-md">
        <thead>
          <tr className="border-b border-line text-sm text-ink-3">
            <th scope="col" className="w-1/4 py-1 pe-2 text-start font-medium">
              {t("audit.field.field")}
            </th>
            <th scope="col" className="py-1 pe-2 text-start font-medium">
              {t("audit.before")}
            </th>
            <th scope="col" className="py-1 text-start font-medium">
              {t("audit.after")}
            </th>
          </tr>
        </thead>
        <tbody>
          {list.map((change) => (
            <tr key={change.field} className="border-b border-line align-top">
              <th scope="row" className="py-1.5 pe-2 text-start font-mono text-sm font-normal break-words text-ink-2">
                {change.field}
              </th>
              <td className="py-1.5 pe-2 break-words">{change.before === undefined ? <Nothing /> : <del className="no-underline">{change.before}</del>}</td>
              <td className="py-1.5 font-medium break-words">{change.after === undefined ? <Nothing /> : <ins className="no-underline">{change.after}</ins>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
