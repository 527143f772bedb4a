import { Suspense, lazy, useState } from "react";
import { Button, Field, Input, Menu, Popover, SegmentedControl } from "@/design";
import { loadArea, useT } from "@/i18n";
import { useAgents, useQueues } from "@/live";
import { FilterChip, FilterTrigger } from "./filter-chip";
import { DIRECTIONS, type EndReason, type Filters, PERIODS, REASONS, RUNNING, STATES, isFiltered } from "./filters";
import { SearchBox } from "./search-box";
import type { FiltersInUse } from "./use-filters";

/** With its texts when somebody asks for it. */
const TagChoice = lazy(async () => {
  const [, choice] = await Promise.all([loadArea("work"), import("./tag-choice")]);
  return choice;
});

type View = "all" | "running" | "missed" | "other";

function viewOf({ states, missed }: Filters): View {
  if (missed) return "missed";
  if (states.length === 0) return "all";
  return states.join() === RUNNING.join() ? "running" : "other";
}

const toggled = (list: readonly EndReason[], one: EndReason) => (list.includes(one) ? list.filter((other) => other !== one) : REASONS.filter((known) => known === one || list.includes(known)));

export function FilterBar({ filters, set, clear }: FiltersInUse) {
  const t = useT();
  const queues = useQueues();
  const agents = useAgents();
  const view = viewOf(filters);
  const queue = filters.queue && (queues.find((one) => one.id === filters.queue)?.name ?? t("calls.filter.unknown"));
  const agent = filters.agent && (agents.find((one) => one.id === filters.agent)?.name ?? t("calls.filter.unknown"));
  const views = [
    { value: "all", label: t("calls.view.all") },
    { value: "running", label: t("calls.view.running") },
    { value: "missed", label: t("calls.view.missed") },
  ];
  const [firstReason] = filters.reasons;
  const reasons = firstReason && (filters.reasons.length === 1 ? t(`calls.reason.${firstReason}`) : t("calls.filter.several", { n: filters.reasons.length }));
  return (
    <div className="flex flex-wrap items-center gap-2 pb-3" role="group" aria-label={t("calls.filter.title")}>
      <SearchBox value={filters.q} onChange={(q) => set({ q })} />
      <SegmentedControl
        label={t("calls.filter.view")}
        value={view}
        options={views}
        onValueChange={(next) => set({ missed: next === "missed", states: next === "running" ? RUNNING : [] })}
      />
      <div className="flex items-center gap-1.5 max-lg:w-full max-lg:overflow-x-auto max-lg:[scrollbar-width:none]">
        <PeriodFilter filters={filters} set={set} />
        {view === "other" && (
          <FilterChip name={t("calls.column.state")} set onClear={() => set({ states: [] })}>
            <Menu
              label={t("calls.column.state")}
              align="start"
              trigger={<FilterTrigger name={t("calls.column.state")} value={filters.states.map((one) => t(`calls.state.${one}`)).join(", ")} />}
              items={STATES.map((one) => ({ label: t(`calls.state.${one}`), checked: filters.states.includes(one), onSelect: () => set({ states: STATES.filter((known) => filters.states.includes(known) !== (known === one)) }) }))}
            />
          </FilterChip>
        )}
        <FilterChip name={t("calls.filter.queue")} set={filters.queue !== undefined} onClear={() => set({ queue: undefined })}>
          <Menu
            align="start"
            label={t("calls.filter.queue")}
            trigger={<FilterTrigger name={t("calls.filter.queue")} value={queue} />}
            items={queues.map((one) => ({ label: one.name, checked: one.id === filters.queue, onSelect: () => set({ queue: one.id }) }))}
          />
        </FilterChip>
        <FilterChip name={t("calls.filter.agent")} set={filters.agent !== undefined} onClear={() => set({ agent: undefined })}>
          <Menu
            align="start"
            label={t("calls.filter.agent")}
            trigger={<FilterTrigger name={t("calls.filter.agent")} value={agent} />}
            items={agents.map((one) => ({ label: one.name, checked: one.id === filters.agent, onSelect: () => set({ agent: one.id }) }))}
          />
        </FilterChip>
        <FilterChip name={t("calls.filter.direction")} set={filters.direction !== undefined} onClear={() => set({ direction: undefined })}>
          <Menu
            align="start"
            label={t("calls.filter.direction")}
            trigger={<FilterTrigger name={t("calls.filter.direction")} value={filters.direction && t(`calls.direction.${filters.direction}`)} />}
            items={DIRECTIONS.map((one) => ({ label: t(`calls.direction.${one}`), checked: one === filters.direction, onSelect: () => set({ direction: one }) }))}
          />
        </FilterChip>
        <FilterChip name={t("calls.filter.reason")} set={filters.reasons.length > 0} onClear={() => set({ reasons: [] })}>
          <Menu
            align="start"
            label={t("calls.filter.reason")}
            trigger={<FilterTrigger name={t("calls.filter.reason")} value={reasons} />}
            items={REASONS.map((one) => ({ label: t(`calls.reason.${one}`), checked: filters.reasons.includes(one), onSelect: () => set({ reasons: toggled(filters.reasons, one) }) }))}
          />
        </FilterChip>
        <TagFilter tag={filters.tag} set={set} />
        {isFiltered(filters) && (
          <Button variant="ghost" size="sm" onClick={clear}>
            {t("calls.filter.clear")}
          </Button>
        )}
      </div>
    </div>
  );
}

function PeriodFilter({ filters, set }: Pick<FiltersInUse, "filters" | "set">) {
  const t = useT();
  const [open, setOpen] = useState(false);
  const { period, from, to } = filters;
  const own = from === undefined && to === undefined ? undefined : from === to ? from : `${from ?? "…"} – ${to ?? "…"}`;
  const value = period ? t(`calls.period.${period}`) : own;
  return (
    <FilterChip name={t("calls.filter.period")} set={value !== undefined} onClear={() => set({ period: undefined, from: undefined, to: undefined })}>
      <Popover open={open} onOpenChange={setOpen} align="start" trigger={<FilterTrigger name={t("calls.filter.period")} value={value} />}>
        <div className="grid w-60 gap-3 p-1">
          <div className="grid gap-0.5">
            {PERIODS.map((one) => (
              <Button
                key={one}
                variant={one === period ? "secondary" : "ghost"}
                aria-pressed={one === period}
                className="justify-start"
                onClick={() => {
                  set({ period: one, from: undefined, to: undefined });
                  setOpen(false);
                }}
              >
                {t(`calls.period.${one}`)}
              </Button>
            ))}
          </div>
          <div className="grid gap-2 border-t border-line pt-3">
            <Field label={t("calls.period.from")}>
              <Input type="date" value={from ?? ""} max={to} onChange={(event) => set({ period: undefined, from: event.target.value || undefined })} />
            </Field>
            <Field label={t("calls.period.to")}>
              <Input type="date" value={to ?? ""} min={from} onChange={(event) => set({ period: undefined, to: event.target.value || undefined })} />
            </Field>
          </div>
        </div>
      </Popover>
    </FilterChip>
  );
}

function TagFilter({ tag, set }: { tag: string | undefined; set: FiltersInUse["set"] }) {
  const t = useT();
  const [open, setOpen] = useState(false);
  const name = t("calls.filter.tag");
  return (
    <FilterChip name={name} set={tag !== undefined} onClear={() => set({ tag: undefined })}>
      <Popover open={open} onOpenChange={setOpen} align="start" label={name} trigger={<FilterTrigger name={name} value={tag} />}>
        <Suspense fallback={null}>
          <TagChoice
            chosen={tag}
            onChoose={(next) => {
              set({ tag: next });
              setOpen(false);
            }}
          />
        </Suspense>
      </Popover>
    </FilterChip>
  );
}
