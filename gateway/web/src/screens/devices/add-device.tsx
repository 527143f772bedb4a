import { useMutation } from "@tanstack/react-query";
import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { Problem, api, body, newKey } from "@/api";
import type { components } from "@/api";
import { Banner, Button, Dialog, Field, IconButton, Input } from "@/design";
import { useT } from "@/i18n";
import { problemText } from "../calls/problem-text";

type NewDevice = components["schemas"]["NewDevice"];

interface Props {
  agentId: string;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onAdded: () => void;
}

/** A name in, credentials out: they are shown this once, so closing asks for nothing but says so. */
export function AddDevice({ agentId, open, onOpenChange, onAdded }: Props) {
  const t = useT();
  const [name, setName] = useState("");
  const [key, setKey] = useState(newKey);
  const add = useMutation({
    mutationFn: () => body(api.POST("/api/v1/agents/{id}/devices", { params: { path: { id: agentId }, header: { "Idempotency-Key": key } }, body: { name: name.trim() } })),
    onSuccess: onAdded,
  });
  const close = () => {
    onOpenChange(false);
    add.reset();
    setName("");
    setKey(newKey());
  };
  const wrong = add.error instanceof Problem ? (add.error.fields.name ?? problemText(add.error)) : add.error ? problemText(add.error) : undefined;
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => (next ? onOpenChange(true) : close())}
      title={add.data ? t("devices.credentials") : t("devices.add")}
      description={add.data ? t("devices.credentials-text") : t("devices.add-text")}
      footer={
        add.data ? (
          <Button variant="primary" onClick={close}>
            {t("devices.done")}
          </Button>
        ) : (
          <Button type="submit" form="add-device" variant="primary" busy={add.isPending} disabled={name.trim() === ""}>
            {t("devices.create")}
          </Button>
        )
      }
    >
      {add.data ? (
        <Credentials device={add.data} />
      ) : (
        <form
          id="add-device"
          onSubmit={(event) => {
            event.preventDefault();
            if (name.trim() && !add.isPending) add.mutate();
          }}
        >
          <Field label={t("devices.name")} hint={t("devices.name-hint")} error={wrong}>
            <Input maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
          </Field>
        </form>
      )}
    </Dialog>
  );
}

function Credentials({ device }: { device: NewDevice }) {
  const t = useT();
  const rows: [string, string][] = [
    [t("devices.server"), device.domain],
    [t("devices.port"), String(device.port)],
    [t("devices.transport"), device.transports.join(", ").toUpperCase()],
    [t("devices.user"), device.username],
    [t("devices.password"), device.password],
  ];
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-3">
      <Banner tone="ring" className="rounded-md">
        {t("devices.once")}
      </Banner>
      <dl className="grid gap-1">
        {rows.map(([term, value]) => (
          <div key={term} className="flex items-center gap-x-3 rounded-md bg-sunken px-3 py-1.5 max-sm:flex-wrap">
            <dt className="w-32 shrink-0 text-sm text-ink-2 max-sm:w-full">{term}</dt>
            <dd className="flex min-w-0 flex-1 items-center gap-3">
              <span className="min-w-0 flex-1 font-mono text-md break-all" data-credential={term}>
                {value}
              </span>
              <CopyButton text={value} label={`${t("common.copy")}: ${term}`} />
            </dd>
          </div>
        ))}
      </dl>
      <p className="text-sm text-ink-3">{t("devices.help")}</p>
    </div>
  );
}

export function CopyButton({ text, label, onCopied }: { text: string; label: string; onCopied?: () => void }) {
  const t = useT();
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    onCopied?.();
    setTimeout(() => setCopied(false), 2000);
  };
  // Absent on a page that is not secure: a button that only says "copied" would be worse than none, and the text can be selected.
  if ((navigator.clipboard as Clipboard | undefined) === undefined) return null;
  return (
    <IconButton label={copied ? t("common.copied") : label} size="sm" onClick={() => void copy().catch(() => undefined)}>
      {copied ? <Check size={14} aria-hidden /> : <Copy size={14} aria-hidden />}
    </IconButton>
  );
}
