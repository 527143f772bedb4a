import { AtSign, CircleCheck, CircleDashed, Clock, Hourglass, Inbox, type LucideIcon, Plus, Trash2, UserRound, X } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useCan, useMe } from "@/api";
import { Button, Dialog, Field, IconButton, Input, Select, cx, toast, undoable } from "@/design";
import { useT } from "@/i18n";
import { useQueryClient } from "@tanstack/react-query";
import { problemText } from "../calls/problem-text";
import { type Channel, inboxApi } from "./api";
import { useCounts } from "./counts";
import { useAccounts, useLabels, useNames, useViews } from "./data";
import { CHANNELS, type Filter, type Search, VIEWS, type ViewName, queryOf, without } from "./filters";
import { LABEL_TONE, channelText } from "./words";

const ICONS: Readonly<Record<ViewName, LucideIcon>> = { mine: UserRound, unassigned: CircleDashed, all: Inbox, mentions: AtSign, pending: Hourglass, snoozed: Clock, resolved: CircleCheck, spam: Trash2 };
const COUNTED: Partial<Record<ViewName, string>> = { mine: "mine", unassigned: "unassigned", all: "all", mentions: "mentioned" };
/** Counting stops there. */
const MOST = 1000;

interface Props {
  search: Search;
  filter: Filter;
  onSearch: (next: Search) => void;
}

const shownCount = (count: number | undefined) => (count === undefined ? "" : count >= MOST ? "999+" : String(count));

/** Where to look: views, queues, channels, labels, and what somebody saved. */
export function ViewsPane({ search, filter, onSearch }: Props) {
  const t = useT();
  const counts = useCounts();
  const { queues } = useNames();
  const labels = useLabels();
  const views = useViews();
  const accounts = useAccounts();
  const [saving, setSaving] = useState(false);
  const queries = useQueryClient();
  const self = useMe()?.user.id;
  const mayShare = useCan("inbox_tools:manage");
  const [dropped, setDropped] = useState<ReadonlySet<string>>(new Set());
  const show = (id: string) => setDropped((before) => new Set([...before].filter((one) => one !== id)));
  /** Others may use it too: it goes when there was time to think better of it. */
  const drop = ({ id, name }: { id: string; name: string }) => {
    setDropped((before) => new Set(before).add(id));
    if (search.saved === id) onSearch({});
    undoable({
      title: t("inbox.view-dropped", { name }),
      undo: () => show(id),
      commit: () =>
        void inboxApi
          .dropView(id)
          .catch((error: unknown) => {
            show(id);
            toast({ title: t("inbox.failed"), description: problemText(error), tone: "bad" });
          })
          .then(() => queries.invalidateQueries({ queryKey: ["inbox", "views"] })),
    });
  };
  const here = search.saved === undefined ? (search.view ?? (search.q ? undefined : "mine")) : undefined;
  const narrow = (part: Partial<Record<keyof Search, string | boolean | undefined>>) => onSearch({ ...search, ...part } as Search);
  const narrowed = search.queue !== undefined || search.channel !== undefined || search.account !== undefined || search.label !== undefined || search.unread === true || search.q !== undefined;
  return (
    <nav aria-label={t("inbox.views")} className="relative min-h-0 overflow-auto border-e border-line bg-bg px-2 py-4">
      <Group title={t("common.nav.inbox")}>
        {VIEWS.map((view) => {
          const Icon = ICONS[view];
          const key = COUNTED[view];
          return (
            <Item key={view} on={here === view} onClick={() => onSearch({ view })} icon={<Icon size={15} aria-hidden />} count={key ? shownCount(counts?.[key]) : ""} data-view={view}>
              {t(`inbox.view.${view}`)}
            </Item>
          );
        })}
      </Group>
      <Group
        title={t("inbox.saved")}
        action={
          narrowed ? (
            <IconButton label={t("inbox.save-view")} size="sm" onClick={() => setSaving(true)}>
              <Plus size={14} aria-hidden />
            </IconButton>
          ) : undefined
        }
      >
        {views.filter((view) => !dropped.has(view.id)).map((view) => (
          <div key={view.id} className="group flex items-center">
            <Item on={search.saved === view.id} onClick={() => onSearch({ saved: view.id })}>
              {view.name}
            </Item>
            {(view.user_id ? view.user_id === self : mayShare) && (
              <IconButton label={t("inbox.drop-view", { name: view.name })} size="sm" className="opacity-0 group-hover:opacity-100 focus-visible:opacity-100" onClick={() => drop(view)}>
                <X size={13} aria-hidden />
              </IconButton>
            )}
          </div>
        ))}
        {views.length === 0 && <p className="px-2.5 text-sm text-ink-3">{t("inbox.saved.none")}</p>}
      </Group>
      {queues.length > 0 && (
        <Group title={t("common.nav.queues")}>
          {queues.map((queue) => (
            <Item key={queue.id} on={search.queue === queue.id} onClick={() => narrow({ queue: search.queue === queue.id ? undefined : queue.id, view: search.view ?? "all" })}>
              {queue.name}
            </Item>
          ))}
        </Group>
      )}
      <Group title={t("inbox.channels")}>
        {CHANNELS.map((channel) => (
          <Item key={channel} on={search.channel === channel} onClick={() => narrow({ channel: search.channel === channel ? undefined : channel })}>
            {channelText(channel)}
          </Item>
        ))}
        {accounts.length > 1 &&
          accounts.map((account) => (
            <Item key={account.id} on={search.account === account.id} onClick={() => narrow({ account: search.account === account.id ? undefined : account.id })}>
              <bdi>{account.name}</bdi>
            </Item>
          ))}
      </Group>
      {labels.length > 0 && (
        <Group title={t("inbox.labels")}>
          {labels.map((label) => (
            <Item key={label.id} on={search.label === label.id} onClick={() => narrow({ label: search.label === label.id ? undefined : label.id })} icon={<span aria-hidden className={cx("size-2.5 rounded-full border border-current", LABEL_TONE[label.colour])} />}>
              {label.name}
            </Item>
          ))}
        </Group>
      )}
      <SaveView open={saving} onOpenChange={setSaving} filter={filter} onSaved={(saved) => onSearch({ saved })} />
    </nav>
  );
}

function Group({ title, action, children }: { title: string; action?: ReactNode; children: ReactNode }) {
  return (
    <section className="mb-5" aria-label={title}>
      <div className="flex h-7 items-center justify-between px-2.5">
        <h2 className="text-xs font-semibold text-ink-3">{title}</h2>
        {action}
      </div>
      {children}
    </section>
  );
}

function Item({ on, onClick, icon, count, children, ...rest }: { on: boolean; onClick: () => void; icon?: ReactNode; count?: string; children: ReactNode; "data-view"?: string }) {
  return (
    <button type="button" {...rest} aria-pressed={on} onClick={onClick} className={cx("flex min-h-8 w-full min-w-0 items-center gap-2 rounded-md px-2.5 text-start text-md hover:bg-sunken", on ? "bg-sunken font-semibold text-ink" : "text-ink-2")}>
      {icon}
      <span className="min-w-0 flex-1 truncate">{children}</span>
      {count && <span className="num text-sm font-normal text-ink-3">{count}</span>}
    </button>
  );
}

/** Where there is no room for the pane: the same choices above the list. */
export function ViewsBar({ search, onSearch }: Props) {
  const t = useT();
  const counts = useCounts();
  const views = useViews();
  const { queues } = useNames();
  const labels = useLabels();
  const value = search.saved ? `saved:${search.saved}` : (search.view ?? "mine");
  const options = [
    ...VIEWS.map((view) => {
      const count = COUNTED[view] ? shownCount(counts?.[COUNTED[view] ?? ""]) : "";
      return { value: view as string, label: count ? `${t(`inbox.view.${view}`)} · ${count}` : t(`inbox.view.${view}`) };
    }),
    ...views.map((view) => ({ value: `saved:${view.id}`, label: view.name })),
  ];
  const kind = search.queue ? `queue:${search.queue}` : search.label ? `label:${search.label}` : search.channel ? `channel:${search.channel}` : "any";
  const kinds = [
    { value: "any", label: t("inbox.everything") },
    ...queues.map((queue) => ({ value: `queue:${queue.id}`, label: queue.name })),
    ...CHANNELS.map((channel) => ({ value: `channel:${channel}`, label: channelText(channel) })),
    ...labels.map((label) => ({ value: `label:${label.id}`, label: label.name })),
  ];
  return (
    <div className="grid grid-cols-2 gap-2">
      <Select aria-label={t("inbox.views")} value={value} options={options} onValueChange={(next) => onSearch(next.startsWith("saved:") ? { saved: next.slice(6) } : { view: next as ViewName })} />
      <Select
        aria-label={t("inbox.narrow")}
        value={kind}
        options={kinds}
        onValueChange={(next) => {
          const rest = without(search, "queue", "label", "channel");
          const [what, id] = [next.slice(0, next.indexOf(":")), next.slice(next.indexOf(":") + 1)];
          onSearch(what === "queue" ? { ...rest, queue: id } : what === "label" ? { ...rest, label: id } : what === "channel" ? { ...rest, channel: id as Channel } : rest);
        }}
      />
    </div>
  );
}

function SaveView({ open, onOpenChange, filter, onSaved }: { open: boolean; onOpenChange: (open: boolean) => void; filter: Filter; onSaved: (id: string) => void }) {
  const t = useT();
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [busy, setBusy] = useState(false);
  const save = async () => {
    if (busy || name.trim() === "") return;
    setBusy(true);
    try {
      const asked = Object.fromEntries(Object.entries(queryOf(filter)).filter(([, value]) => value !== undefined && value !== false));
      const view = await inboxApi.addView(name.trim(), asked);
      await queries.invalidateQueries({ queryKey: ["inbox", "views"] });
      setName("");
      onOpenChange(false);
      onSaved(view.id);
    } catch (error) {
      toast({ title: t("inbox.failed"), description: problemText(error), tone: "bad" });
    }
    setBusy(false);
  };
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={t("inbox.save-view")}
      description={t("inbox.save-view.text")}
      size="sm"
      footer={
        <Button variant="primary" busy={busy} disabled={name.trim() === ""} onClick={() => void save()}>
          {t("common.save")}
        </Button>
      }
    >
      <Field label={t("inbox.name")}>
        <Input
          value={name}
          maxLength={60}
          onChange={(event) => setName(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") void save();
          }}
        />
      </Field>
    </Dialog>
  );
}
