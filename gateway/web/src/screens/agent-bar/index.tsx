import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ArrowLeftRight, ChevronDown, Keyboard, LogOut, Settings, TriangleAlert } from "lucide-react";
import { Suspense, lazy, useState } from "react";
import { ownTenantsQuery, signOut, useMe } from "@/api";
import { useCommand } from "@/app/commands";
import { onceOpened } from "@/app/once-opened";
import { Avatar, Button, Dialog, Duration, Field, Input, Menu, type MenuItem, Popover, SOFT, SOLID, cx, dismissAll } from "@/design";
import { loadArea, useT } from "@/i18n";
import { type LiveAgent, useAgent, useCallLive } from "@/live";
import { ACTIVITY_TONES } from "../shared/activity";
import { usePause } from "./state";

const After = lazy(async () => {
  await loadArea("work");
  return { default: (await import("./after")).After };
});

/** Whether I take work, since when; and what is mine: settings, keys, the way out. */
export function AgentBar() {
  const me = useMe();
  const agent = useAgent(me?.user.id ?? "");
  return (
    <div className="flex items-center gap-2">
      {agent && <State agent={agent} />}
      {me && <Profile name={me.user.name} email={me.user.email} tenant={me.tenant.name} />}
    </div>
  );
}

function State({ agent }: { agent: LiveAgent }) {
  const t = useT();
  const { state, reason, since, set } = usePause(agent);
  const [asking, setAsking] = useState(false);
  // The router's own word for it.
  const missed = state === "paused" && reason === "missed";
  // Talking, ringing and what follows are the call centre's own knowledge; what I asked for shows at once.
  const busy = agent.activity === "on_contact" || agent.activity === "ringing" || agent.activity === "wrap_up";
  const call = useCallLive(agent.call_id ?? "");
  // While they talk it is the call's time that counts. A ring has its own, on its card.
  const counted = agent.activity === "on_contact" ? (call?.answered_at ?? agent.since) : agent.activity === "ringing" || agent.activity === "wrap_up" ? undefined : since;
  const shown = busy ? agent.activity : state === "available" && !agent.reachable ? "unreachable" : state;
  const group = t("people.state.group");
  useCommand({ id: "state-available", title: t("people.state.go.available"), group, shortcut: "s a", run: () => set("available") });
  useCommand({ id: "state-paused", title: t("people.state.go.paused"), group, shortcut: "s p", run: () => setAsking(true) });
  useCommand({ id: "state-offline", title: t("people.state.go.offline"), group, shortcut: "s o", run: () => set("offline") });
  const presets = [t("people.pause.break"), t("people.pause.lunch"), t("people.pause.meeting"), t("people.pause.paperwork")];
  const items: (MenuItem | "separator")[] = [
    { label: t("people.state.available"), shortcut: "s a", checked: state === "available", onSelect: () => set("available") },
    "separator",
    ...presets.map((preset) => ({ label: `${t("people.state.paused")}: ${preset}`, checked: state === "paused" && reason === preset, onSelect: () => set("paused", preset) })),
    { label: t("people.pause.other"), shortcut: "s p", checked: state === "paused" && !presets.includes(reason ?? ""), onSelect: () => setAsking(true) },
    "separator",
    { label: t("people.state.offline"), shortcut: "s o", checked: state === "offline", onSelect: () => set("offline") },
  ];
  return (
    <>
      <Menu
        label={t("people.state.title")}
        items={items}
        trigger={
          <button type="button" data-state-of-me={state} className={cx("inline-flex h-8 items-center gap-2 rounded-full px-3 text-md font-medium", SOFT[ACTIVITY_TONES[shown]])}>
            <span aria-hidden className={cx("size-2 rounded-full", SOLID[ACTIVITY_TONES[shown]])} />
            <span className="max-w-44 truncate max-md:sr-only">
              {t(`people.state.${shown}`)}
              {state === "paused" && reason && !busy ? `: ${missed ? t("phone.missed.title") : reason}` : ""}
            </span>
            {counted && <Duration since={counted} className="max-sm:sr-only" />}
            <ChevronDown size={14} aria-hidden />
          </button>
        }
      />
      {(agent.activity === "wrap_up" || (missed && !busy)) && (
        <Suspense fallback={null}>
          <After agent={agent} onBack={() => set("available")} />
        </Suspense>
      )}
      {state === "available" && !agent.reachable && !busy && <Unreachable />}
      <AskReason
        open={asking}
        onOpenChange={setAsking}
        onReason={(text) => {
          setAsking(false);
          set("paused", text || undefined);
        }}
      />
    </>
  );
}

function Unreachable() {
  const t = useT();
  const navigate = useNavigate();
  return (
    <Popover
      label={t("people.unreachable.title")}
      align="end"
      className="w-80"
      trigger={
        <button type="button" aria-label={t("people.unreachable.title")} className="grid size-8 place-items-center rounded-md text-ring hover:bg-sunken">
          <TriangleAlert size={17} aria-hidden />
        </button>
      }
    >
      <p className="font-medium">{t("people.unreachable.title")}</p>
      <p className="my-2 text-md text-ink-2">{t("people.unreachable.text")}</p>
      <Button onClick={() => void navigate({ to: "/devices" })}>{t("people.unreachable.devices")}</Button>
    </Popover>
  );
}

function AskReason({ open, onOpenChange, onReason }: { open: boolean; onOpenChange: (open: boolean) => void; onReason: (reason: string) => void }) {
  const t = useT();
  const [reason, setReason] = useState("");
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      size="sm"
      title={t("people.pause.title")}
      footer={
        <Button type="submit" form="pause-reason" variant="primary">
          {t("people.pause.submit")}
        </Button>
      }
    >
      <form
        id="pause-reason"
        onSubmit={(event) => {
          event.preventDefault();
          onReason(reason.trim());
          setReason("");
        }}
      >
        <Field label={t("people.pause.reason")} hint={t("people.pause.hint")}>
          <Input maxLength={100} value={reason} onChange={(event) => setReason(event.target.value)} />
        </Field>
      </form>
    </Dialog>
  );
}

const Switcher = onceOpened(async () => {
  await loadArea("company");
  return (await import("./switcher")).Switcher;
});

function Profile({ name, email, tenant }: { name: string; email: string; tenant: string }) {
  const t = useT();
  const navigate = useNavigate();
  const several = useQuery({ ...ownTenantsQuery, select: (tenants) => tenants.length > 1 });
  const [switching, setSwitching] = useState(false);
  const out = () => {
    // What waits for its undo is done while there is somebody to do it.
    dismissAll();
    void signOut().catch(() => undefined);
  };
  useCommand({ id: "sign-out", title: t("common.sign-out"), group: t("common.group.general"), run: out });
  return (
    <>
      <Menu
        label={`${name}, ${email}, ${tenant}`}
        items={[
          { label: t("common.nav.settings"), icon: <Settings size={15} aria-hidden />, shortcut: "g s", onSelect: () => void navigate({ to: "/settings" }) },
          { label: t("common.shortcuts.title"), icon: <Keyboard size={15} aria-hidden />, shortcut: "?", onSelect: () => document.dispatchEvent(new KeyboardEvent("keydown", { key: "?", bubbles: true })) },
          ...(several.data ? [{ label: t("common.switch"), icon: <ArrowLeftRight size={15} aria-hidden />, onSelect: () => setSwitching(true) }] : []),
          "separator",
          { label: t("common.sign-out"), icon: <LogOut size={15} aria-hidden />, onSelect: out },
        ]}
        trigger={
          <button type="button" aria-label={t("people.profile", { name })} className="rounded-full">
            <Avatar name={name} size={32} />
          </button>
        }
      />
      <Switcher open={switching} onOpenChange={setSwitching} />
    </>
  );
}
