import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { Headset, MonitorSmartphone, Plus, Trash2 } from "lucide-react";
import { useRef, useState } from "react";
import { api, body, useCan, useMe } from "@/api";
import type { components } from "@/api";
import { Badge, Button, Card, Combobox, EmptyState, ErrorState, IconButton, PageHeader, RelativeTime, Skeleton, toast, undoable } from "@/design";
import { useT } from "@/i18n";
import { useAgent, useAgents } from "@/live";
import { PhoneStatus, usePhone } from "@/phone";
import { problemText } from "../calls/problem-text";
import { AddDevice } from "./add-device";

type Device = components["schemas"]["Device"];

/** What rings when somebody calls me: this browser, and phones on desks. */
export default function Devices() {
  const t = useT();
  const me = useMe();
  const mayAny = useCan("devices:any");
  const search: Record<string, unknown> = useSearch({ strict: false });
  const agents = useAgents();
  const [chosen, setChosen] = useState(typeof search.agent === "string" ? search.agent : undefined);
  const id = chosen ?? me?.user.id;
  const mine = id === me?.user.id;
  return (
    <div className="flex min-h-full flex-col">
      <PageHeader
        title={t("common.nav.devices")}
        description={t("devices.about")}
        actions={
          mayAny && agents.length > 0 ? (
            <Combobox
              aria-label={t("devices.whose")}
              className="w-56"
              value={id}
              onValueChange={setChosen}
              options={agents.map((one) => ({ value: one.id, label: one.id === me?.user.id ? t("devices.mine", { name: one.name }) : one.name }))}
            />
          ) : undefined
        }
      />
      <div className="grid max-w-3xl gap-5 p-5 max-sm:p-3">
        {mine && <ThisBrowser />}
        {id && <DeskPhones key={id} agentId={id} mine={mine} />}
      </div>
    </div>
  );
}

function ThisBrowser() {
  const t = useT();
  const { registration, here } = usePhone();
  return (
    <Card className="flex flex-wrap items-center gap-x-4 gap-y-2">
      <MonitorSmartphone size={22} aria-hidden className="text-ink-3" />
      <div className="min-w-0 flex-1">
        <h2 className="text-lg font-semibold">{t("devices.browser")}</h2>
        <p className="text-md text-ink-2">{registration.state === "ready" && here ? t("devices.browser-ready") : t("devices.browser-about")}</p>
      </div>
      <PhoneStatus />
    </Card>
  );
}

function DeskPhones({ agentId, mine }: { agentId: string; mine: boolean }) {
  const t = useT();
  const queries = useQueryClient();
  const agent = useAgent(agentId);
  const key = ["devices", agentId];
  const [adding, setAdding] = useState(false);
  const [removed, setRemoved] = useState<ReadonlySet<string>>(new Set());
  const list = useQuery({ queryKey: key, queryFn: ({ signal }) => body(api.GET("/api/v1/agents/{id}/devices", { params: { path: { id: agentId }, query: { limit: 200 } }, signal })) });
  const remove = useMutation({
    // Also when the page is left meanwhile.
    mutationFn: (device: Device) => body(api.DELETE("/api/v1/agents/{id}/devices/{device_id}", { params: { path: { id: agentId, device_id: device.id } }, keepalive: true })),
    onError: (error, device) => {
      toast({ title: t("devices.not-removed"), description: problemText(error), tone: "bad" });
      show(device);
    },
    onSettled: () => queries.invalidateQueries({ queryKey: key }),
  });
  const show = ({ id }: Device) => setRemoved((before) => new Set([...before].filter((one) => one !== id)));
  /** Its password is known to nobody any more, so that it could not be brought back: it goes when there was time to think better of it. */
  const takeAway = (device: Device) => {
    setRemoved((before) => new Set(before).add(device.id));
    undoable({ title: t("devices.removed", { name: device.name }), description: t("devices.removed-text"), undo: () => show(device), commit: () => remove.mutate(device) });
    heading.current?.focus();
  };
  const heading = useRef<HTMLHeadingElement>(null);
  const devices = (list.data?.items ?? []).filter((device) => !removed.has(device.id));
  return (
    <section aria-labelledby="desk-phones">
      <div className="mb-2 flex flex-wrap items-center gap-3">
        <h2 id="desk-phones" ref={heading} tabIndex={-1} className="flex-1 text-lg font-semibold outline-none">
          {t("devices.desk")}
        </h2>
        {agent && (
          <Badge tone={agent.reachable ? "live" : "bad"} dot>
            {agent.reachable ? t("devices.reachable") : t("devices.unreachable")}
          </Badge>
        )}
        <Button variant="primary" icon={<Plus size={15} aria-hidden />} onClick={() => setAdding(true)}>
          {t("devices.add")}
        </Button>
      </div>
      {list.isPending ? (
        <Card>
          <div aria-busy="true">
            <Skeleton lines={3} />
          </div>
        </Card>
      ) : list.isError ? (
        <ErrorState error={list.error} onRetry={() => void list.refetch()} />
      ) : devices.length === 0 ? (
        <Card>
          <EmptyState icon={<Headset size={30} />} title={t("devices.none")} text={mine ? t("devices.none-mine") : t("devices.none-theirs")} />
        </Card>
      ) : (
        <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
          {devices.map((device) => (
            <li key={device.id} className="flex items-center gap-3 px-4 py-2.5">
              <Headset size={17} aria-hidden className="text-ink-3" />
              <div className="min-w-0 flex-1">
                <p className="truncate font-medium">{device.name}</p>
                <p className="truncate text-sm text-ink-3">
                  <span className="font-mono">{device.username}</span> · {t("devices.since")} <RelativeTime at={device.created_at} />
                </p>
              </div>
              <IconButton label={t("devices.remove", { name: device.name })} onClick={() => takeAway(device)}>
                <Trash2 size={16} aria-hidden />
              </IconButton>
            </li>
          ))}
        </ul>
      )}
      <AddDevice agentId={agentId} open={adding} onOpenChange={setAdding} onAdded={() => void queries.invalidateQueries({ queryKey: key })} />
    </section>
  );
}
