import { ListFilter } from "lucide-react";
import { useState } from "react";
import { Field, Input, Select } from "@/design";
import { useT } from "@/i18n";
import { useAccounts, useLabels, useNames } from "../inbox/data";
import { CHANNELS, savedFilter } from "../inbox/filters";
import { channelText, priorityText } from "../inbox/words";
import { type InboxView, type ViewFilter, views } from "./api";
import { Personal } from "./canned";
import { FormDialog, ShelfList, usePut } from "./shelf";

const ANY = "any";
const STATES = ["open", "pending", "snoozed", "resolved", "all"] as const;
const WHOSE = ["mine", "unassigned", "mentioned", "unread", "spam"] as const;

export function Views() {
  return (
    <ShelfList
      what="views"
      shelf={views}
      icon={<ListFilter size={30} />}
      personal
      nameOf={(one) => one.name}
      sort={(a, b) => a.place - b.place || a.name.localeCompare(b.name)}
      row={(one) => <Row view={one} />}
      form={(one, onClose, mayShare) => <ViewForm view={one} onClose={onClose} mayShare={mayShare} />}
    />
  );
}

function Row({ view }: { view: InboxView }) {
  const t = useT();
  const names = useNames();
  const labels = useLabels();
  const filter = savedFilter(view.filter);
  const label = labels.find((one) => one.id === filter.label_id)?.name;
  const parts = [
    t(`inboxtools.state.${filter.state}`),
    ...WHOSE.filter((one) => filter[one]).map((one) => t(`inboxtools.only.${one}`)),
    ...[names.queue(filter.queue_id), names.agent(filter.agent_id), names.team(filter.team_id), names.account(filter.account_id), label, filter.channel && channelText(filter.channel), filter.priority && priorityText(filter.priority), filter.q && `“${filter.q}”`].filter((one) => typeof one === "string"),
  ];
  return (
    <>
      <h3 className="font-medium">{view.name}</h3>
      <p className="text-md break-words text-ink-2">{parts.join(" · ")}</p>
    </>
  );
}

function ViewForm({ view, onClose, mayShare }: { view: InboxView | undefined; onClose: () => void; mayShare: boolean }) {
  const t = useT();
  const names = useNames();
  const labels = useLabels();
  const accounts = useAccounts();
  const [name, setName] = useState(view?.name ?? "");
  const [place, setPlace] = useState(String(view?.place ?? 0));
  const [filter, setFilter] = useState<ViewFilter>(view?.filter ?? { state: "open" });
  const [personal, setPersonal] = useState(view ? Boolean(view.user_id) : !mayShare);
  const { put, error, errors } = usePut(views, view, onClose);
  const set = (key: string, value: string | number | boolean | undefined) => setFilter(Object.fromEntries([...Object.entries(filter).filter(([other]) => other !== key), ...(value === undefined ? [] : [[key, value] as const])]));
  const text = (key: string) => (filter[key] === undefined ? ANY : String(filter[key]));
  const choice = (key: string, label: string, options: readonly { value: string; label: string }[], read: (value: string) => string | number = (value) => value) => (
    <Field label={label}>
      <Select value={text(key)} onValueChange={(next) => set(key, next === ANY ? undefined : read(next))} options={[{ value: ANY, label: t("inboxtools.any") }, ...options]} />
    </Field>
  );
  const named = (all: readonly { id: string; name: string }[]) => all.map((one) => ({ value: one.id, label: one.name }));
  const only = WHOSE.find((one) => filter[one] === true || filter[one] === "true") ?? ANY;
  return (
    <FormDialog
      size="lg"
      title={view ? t("inboxtools.edit", { name: view.name }) : t("inboxtools.add.views")}
      onClose={onClose}
      put={put}
      error={error}
      shown={errors.name !== undefined}
      ready={name.trim() !== "" && /^-?\d{1,6}$/.test(place.trim())}
      onSubmit={() => put.mutate({ name: name.trim(), place: Number(place), filter, personal })}
    >
      <div className="grid gap-3 sm:grid-cols-[1fr_9rem]">
        <Field label={t("inboxtools.name")} error={errors.name}>
          <Input maxLength={60} value={name} onChange={(event) => setName(event.target.value)} />
        </Field>
        <Field label={t("inboxtools.place")} hint={t("inboxtools.place-view")}>
          <Input inputMode="numeric" value={place} onChange={(event) => setPlace(event.target.value)} />
        </Field>
      </div>
      <div className="grid gap-3 sm:grid-cols-2">
        <Field label={t("inboxtools.state")}>
          <Select value={filter.state === undefined ? "open" : String(filter.state)} onValueChange={(next) => set("state", next)} options={STATES.map((one) => ({ value: one, label: t(`inboxtools.state.${one}`) }))} />
        </Field>
        <Field label={t("inboxtools.only")}>
          <Select
            value={only}
            onValueChange={(next) => {
              const rest = Object.fromEntries(Object.entries(filter).filter(([key]) => !WHOSE.some((one) => one === key)));
              setFilter(next === ANY ? rest : { ...rest, [next]: true });
            }}
            options={[{ value: ANY, label: t("inboxtools.any") }, ...WHOSE.map((one) => ({ value: one, label: t(`inboxtools.only.${one}`) }))]}
          />
        </Field>
        {choice("queue_id", t("inboxtools.a.queue"), named(names.queues))}
        {choice("agent_id", t("inboxtools.a.agent"), named(names.agents))}
        {choice("label_id", t("inboxtools.a.label"), named(labels))}
        {choice("account_id", t("inboxtools.a.account"), named(accounts))}
        {choice("channel", t("inboxtools.a.channel"), CHANNELS.map((one) => ({ value: one, label: channelText(one) })))}
        {choice("priority", t("inboxtools.priority"), [1, 2, 3, 4].map((one) => ({ value: String(one), label: priorityText(one) })), Number)}
      </div>
      <Personal checked={personal} onChange={setPersonal} mayShare={mayShare} />
    </FormDialog>
  );
}
