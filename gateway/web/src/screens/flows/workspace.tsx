import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { Waypoints } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useCan } from "@/api";
import { Banner, Button, EmptyState, Skeleton, announce, toast } from "@/design";
import { t as text, useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { type Held, flowsApi } from "./api";
import { Canvas } from "./canvas";
import { flowsQuery, usePlaces, versionQuery } from "./data";
import { difference, same } from "./diff";
import { added, begunWith, connected, copied, moved, openExit, pasted, removed } from "./edit";
import { boundsOf } from "./layout";
import { ListView } from "./list-view";
import { MANAGE } from "./may";
import { type Definition, type Step, type Type, whole } from "./model";
import type { Mark } from "./node-card";
import { PaletteColumn, PalettePopover } from "./palette";
import { PublishDialog } from "./publish-dialog";
import { type Panel, SidePanel } from "./side-panel";
import { pathOf } from "./step-words";
import { Toolbar } from "./toolbar";
import { useClipboard } from "./use-clipboard";
import { useCommands } from "./use-commands";
import { useDraft } from "./use-draft";
import { useEditor } from "./use-editor";
import { useNarrow } from "./use-narrow";
import { type LocalFault, errorsOf, faultsOf, together } from "./validate";
import { typeName } from "./words";

const [NARROW, ROOMY, WIDE] = [640, 1024, 1280];
export type Look = "canvas" | "list";

/** A flow that is worked on. */
export function Workspace({ held }: { held: Held }) {
  const t = useT();
  const queries = useQueryClient();
  const search: Record<string, unknown> = useSearch({ strict: false });
  const id = held.flow.id;
  const mayManage = useCan(MANAGE);
  const draft = useDraft(id, held);
  const { flow } = draft;
  const published = flow.published?.definition;
  const editor = useEditor(flow.draft?.definition ?? published ?? whole(undefined));
  const { definition, selection, chosen, select, change } = editor;
  const places = usePlaces();
  const list = useQuery(flowsQuery).data?.items.find((one) => one.id === id);
  const call = typeof search.call === "string" ? search.call : undefined;

  const [narrow, roomy, wide] = [useNarrow(NARROW), !useNarrow(ROOMY), !useNarrow(WIDE)];
  const [look, setLook] = useState<Look>("canvas");
  const shownLook: Look = narrow ? "list" : look;
  const [panel, setPanel] = useState<Panel>(call ? "past" : "step");
  const [open, setOpen] = useState(call !== undefined);
  const [wanted, setWanted] = useState<{ node: string; field: string; at: number }>();
  const [sight, setSight] = useState<{ id: string; at: number }>();
  const [publishing, setPublishing] = useState(false);
  const [refused, setRefused] = useState<{ definition: Definition; faults: readonly LocalFault[] }>();
  const [steps, setSteps] = useState<readonly Step[]>();
  const [version, setVersion] = useState<number>();
  const asked = useRef(0);

  // Whatever is changed is saved; what was read is not.
  const seen = useRef(definition);
  const { change: save } = draft;
  useEffect(() => {
    if (seen.current === definition) return;
    seen.current = definition;
    save(definition);
  }, [definition, save]);
  const begin = (next: Definition) => {
    seen.current = next;
    editor.reset(next);
  };

  const old = useQuery({ ...versionQuery(id, version ?? 0), enabled: version !== undefined });
  const looksBack = version !== undefined;
  const drawn = looksBack ? old.data?.definition : definition;
  const readOnly = !mayManage || looksBack;
  const marks = useMemo(() => {
    if (!looksBack || !old.data) return undefined;
    const what = difference(old.data.definition, definition);
    return new Map<string, Mark>([...what.removed.map((node) => [node.id, "removed"] as const), ...what.changed.map(({ after }) => [after.id, "changed"] as const)]);
  }, [looksBack, old.data, definition]);

  const faults = useMemo(() => {
    const local = faultsOf(definition, places.known);
    const told = refused?.definition === definition ? refused.faults : [];
    return together(together(local, draft.serverFaults), told);
  }, [definition, places.known, draft.serverFaults, refused]);
  const errors = errorsOf(faults).length;
  const byNode = useMemo(() => {
    const map = new Map<string, LocalFault[]>();
    if (!looksBack) for (const fault of faults) if (fault.node !== null) map.set(fault.node, [...(map.get(fault.node) ?? []), fault]);
    return map;
  }, [faults, looksBack]);
  const path = useMemo(() => (steps && !looksBack ? pathOf(steps) : undefined), [steps, looksBack]);

  const openNode = useCallback(
    (node: string, field?: string) => {
      asked.current += 1;
      select(node);
      setPanel("step");
      setOpen(true);
      setSight({ id: node, at: asked.current });
      setWanted(field ? { node, field, at: asked.current } : undefined);
    },
    [select],
  );
  const show = (next: Panel) => {
    setVersion(undefined);
    setPanel(next);
    setOpen(true);
  };

  const add = useCallback(
    (type: Type, at?: { x: number; y: number }, after?: { node: string; exit: string }) => {
      const from = at === undefined && after === undefined ? chosen : undefined;
      const exit = openExit(from);
      const way = after ?? (from && exit ? { node: from.id, exit } : undefined);
      const before = definition.nodes.find((node) => node.id === way?.node) ?? from;
      const bounds = boundsOf(definition.nodes);
      const place = at ?? (before ? { x: before.x + 350, y: before.y } : definition.nodes.length === 0 ? { x: 40, y: 40 } : { x: bounds.x, y: bounds.y + bounds.height + 40 });
      const made = added(definition, type, "", place, way);
      change(made.definition, "", new Set([made.id]));
      asked.current += 1;
      setPanel("step");
      setOpen(true);
      setSight({ id: made.id, at: asked.current });
      announce(`${text("flows.palette")}: ${typeName(type)}`);
    },
    [chosen, definition, change],
  );
  const move = useCallback((ids: ReadonlySet<string>, dx: number, dy: number, part: string) => change((now) => moved(now, ids, dx, dy), part), [change]);
  const duplicate = useCallback(
    (ids: ReadonlySet<string>) => {
      const made = pasted(definition, copied(definition, ids));
      change(made.definition, "", made.ids);
    },
    [definition, change],
  );
  const remove = useCallback(
    (ids: ReadonlySet<string>) => {
      if (ids.size === 0) return;
      change(removed(definition, ids), "", new Set());
      toast({ title: text("flows.deleted", { n: ids.size }), action: { label: text("common.undo"), run: editor.undo } });
    },
    [definition, change, editor.undo],
  );
  const goToFault = (fault: LocalFault) => {
    if (fault.node === null) {
      select();
      setPanel("step");
      setOpen(true);
    } else openNode(fault.node, fault.field ?? undefined);
  };

  // The drawing goes along with the call that is tried.
  const follow = useCallback((now: readonly Step[] | undefined) => {
    setSteps(now);
    const last = now?.findLast((step) => step.node !== null)?.node;
    if (typeof last !== "string") return;
    asked.current += 1;
    setSight({ id: last, at: asked.current });
  }, []);

  const root = useRef<HTMLDivElement>(null);
  useClipboard({ root, definition, selection, readOnly, onPaste: (copy) => {
    const made = pasted(definition, copy);
    change(made.definition, "", made.ids);
    announce(text("flows.pasted", { n: made.ids.size }));
  }, onCut: () => remove(selection) });
  const arrange = useCommands({ root, editor, readOnly, onDuplicate: () => duplicate(selection), onRemove: () => remove(selection), onTry: () => show("try") });

  const reload = async () => {
    try {
      const now = await draft.reload();
      begin(now.draft?.definition ?? now.published?.definition ?? whole(undefined));
    } catch (error) {
      toast({ title: problemText(error), tone: "bad" });
    }
  };
  const discard = async () => {
    try {
      await draft.flush();
      await flowsApi.dropDraft(id);
      await reload();
      void queries.invalidateQueries({ queryKey: flowsQuery.queryKey });
    } catch (error) {
      toast({ title: problemText(error), tone: "bad" });
    }
  };
  const unchanged = published !== undefined && same(published, definition);
  // Two ways side by side want more room than a form.
  const beside = panel === "past" && !looksBack;
  const columns = wide && !readOnly ? (beside ? "grid-cols-[188px_minmax(0,1fr)_540px]" : "grid-cols-[188px_minmax(0,1fr)_380px]") : roomy ? (beside ? "grid-cols-[minmax(0,1fr)_500px]" : "grid-cols-[minmax(0,1fr)_360px]") : "grid-cols-1";
  const hasDraft = flow.draft !== null || draft.state.state !== "saved";

  const nothing = <EmptyState icon={<Waypoints size={30} />} title={t("flows.empty")} text={t("flows.empty-text")} action={readOnly ? undefined : <PalettePopover onAdd={add} />} />;
  return (
    <div ref={root} className="flex h-full min-h-0 flex-col" data-flow-editor={id}>
      <Toolbar
        name={flow.name}
        version={flow.published?.version}
        state={draft.state}
        hasDraft={hasDraft}
        look={shownLook}
        {...(narrow ? {} : { onLook: setLook })}
        errors={errors}
        warnings={faults.length - errors}
        readOnly={readOnly}
        editor={editor}
        panel={open || roomy ? panel : undefined}
        onPanel={show}
        onSave={() => void draft.flush()}
        onArrange={arrange}
        publishRefused={errors > 0 ? t("flows.publish-refused") : unchanged && flow.published ? t("flows.publish-nothing", { n: flow.published.version }) : undefined}
        onPublish={() => setPublishing(true)}
      />
      {draft.state.state === "conflict" && (
        <Banner
          tone="ring"
          action={
            <span className="flex flex-wrap gap-2">
              <Button size="sm" onClick={() => void reload()}>
                {t("flows.conflict.theirs")}
              </Button>
              <Button size="sm" onClick={() => void draft.overwrite()}>
                {t("flows.conflict.mine")}
              </Button>
            </span>
          }
        >
          <div role="alert">{t("flows.conflict")}</div>
        </Banner>
      )}
      {looksBack && (
        <Banner
          tone="hold"
          action={
            <Button size="sm" onClick={() => setVersion(undefined)}>
              {t("flows.version-close")}
            </Button>
          }
        >
          <div role="status">{t("flows.version-shown", { n: version })}</div>
        </Banner>
      )}
      <div className={`relative grid min-h-0 flex-1 ${columns}`}>
        {wide && !readOnly && <PaletteColumn onAdd={add} />}
        <div className="relative min-h-0 min-w-0">
          {!drawn ? (
            <div aria-busy="true" className="p-5">
              <Skeleton height={300} />
            </div>
          ) : drawn.nodes.length === 0 && shownLook === "list" ? (
            <div className="h-full bg-bg">{nothing}</div>
          ) : shownLook === "canvas" ? (
            <Canvas
              key={looksBack ? version : "draft"}
              definition={drawn}
              selection={selection}
              faults={byNode}
              places={places}
              readOnly={readOnly}
              {...(marks ? { marks } : {})}
              {...(path ? { path } : {})}
              {...(sight ? { look: sight } : {})}
              onSelect={(ids) => select(...ids)}
              onOpen={openNode}
              onMove={move}
              onConnect={(node, exit, to) => change((now) => connected(now, node, exit, to))}
              onDropped={(type, at) => add(type, at)}
            />
          ) : (
            <ListView
              definition={drawn}
              selection={selection}
              faults={byNode}
              places={places}
              readOnly={readOnly}
              {...(marks ? { marks } : {})}
              {...(path ? { path } : {})}
              onOpen={openNode}
              onDuplicate={(node) => duplicate(new Set([node]))}
              onRemove={(node) => remove(new Set([node]))}
              onStart={(node) => change((now) => begunWith(now, node))}
            />
          )}
          {shownLook === "canvas" && drawn?.nodes.length === 0 && <div className="pointer-events-none absolute inset-x-0 top-[12%] [&_button]:pointer-events-auto">{nothing}</div>}
          {!readOnly && !wide && drawn && drawn.nodes.length > 0 && (
            <div className="absolute end-3 bottom-3">
              <PalettePopover onAdd={add} />
            </div>
          )}
        </div>
        {(roomy || open) && (
          <SidePanel
            panel={panel}
            flow={flow}
            editor={editor}
            drawn={drawn ?? definition}
            places={places}
            faults={faults}
            readOnly={readOnly}
            mayManage={mayManage}
            wanted={wanted}
            hasDraft={hasDraft}
            version={version}
            call={call}
            number={list?.numbers[0]}
            flush={draft.flush}
            {...(roomy ? {} : { onClose: () => setOpen(false) })}
            onVersion={setVersion}
            onFault={goToFault}
            onSteps={follow}
            onGo={(node) => {
              asked.current += 1;
              setSight({ id: node, at: asked.current });
            }}
            onAddAfter={(node, exit, type) => add(type, undefined, { node, exit })}
            onDuplicate={() => duplicate(selection)}
            onRemove={() => remove(selection)}
            onDiscard={discard}
            onRestored={async () => {
              setVersion(undefined);
              // A draft stays as it is; without one, what is published now is what is shown.
              if (hasDraft) await draft.refresh();
              else await reload();
            }}
          />
        )}
      </div>
      {publishing && (
        <PublishDialog
          flow={id}
          name={flow.name}
          published={published}
          draft={definition}
          flush={draft.flush}
          onClose={() => setPublishing(false)}
          onPublished={() => {
            setPublishing(false);
            draft.refresh().catch(() => undefined);
          }}
          onRefused={(fields) => {
            setRefused({ definition, faults: Object.entries(fields).map(([field, message]) => refusal(field, message)) });
            setPublishing(false);
            show("faults");
          }}
        />
      )}
    </div>
  );
}

/** `nodes.<id>.<field>`, as the server names a place. */
function refusal(field: string, message: string): LocalFault {
  const [, node = null, rest = null] = /^nodes\.([a-z0-9_]+)(?:\.(.+))?$/.exec(field) ?? [];
  return { node, field: node === null ? field : rest, code: "bad_value", message, severity: "error" };
}
