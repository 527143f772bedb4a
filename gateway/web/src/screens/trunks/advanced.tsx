import { ArrowUp } from "lucide-react";
import { Checkbox, Field, IconButton, Input, Select } from "@/design";
import { useT } from "@/i18n";
import { AS_DIALLED, CODECS, FIXED, type TrunkDraft, addressesIn, dialled, preferred, usualPort } from "./draft";
import { TRANSPORTS, type WriteTrunk } from "./model";

interface Props {
  draft: TrunkDraft;
  errors: Readonly<Partial<Record<keyof WriteTrunk, string>>>;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onChange: (part: Partial<TrunkDraft>) => void;
}

/** A number to show by what is put before numbers, and taken off. */
const EXAMPLE = "+390612345678";

/** What most providers need nothing of. */
export function Advanced({ draft, errors, open, onOpenChange, onChange }: Props) {
  const t = useT();
  const typed = (field: keyof TrunkDraft & ("port" | "fromUser" | "fromDomain" | "outboundProxy" | "maxChannels" | "strip" | "prefix" | "priority"), placeholder = "", numeric = false) => (
    <Input dir="ltr" maxLength={300} autoCapitalize="off" autoComplete="off" spellCheck={false} placeholder={placeholder} {...(numeric ? { inputMode: "numeric" as const, className: "w-32" } : {})} value={draft[field]} onChange={(event) => onChange({ [field]: event.target.value })} />
  );
  const ways = [AS_DIALLED, FIXED, ...(draft.callerId === AS_DIALLED || draft.callerId === FIXED ? [] : [draft.callerId])];
  return (
    <details open={open} onToggle={(event) => onOpenChange(event.currentTarget.open)} className="rounded-md border border-line">
      <summary className="cursor-pointer rounded-md px-3 py-2 text-md font-medium">{t("trunks.advanced")}</summary>
      <div className="grid gap-4 border-t border-line p-3">
        <p className="text-sm text-ink-3">{t("trunks.advanced-about")}</p>
        <div className="grid gap-3 sm:grid-cols-2">
          <Field label={t("trunks.transport")} hint={t("trunks.transport-hint")} error={errors.transport}>
            <Select value={draft.transport} onValueChange={(next) => onChange({ transport: TRANSPORTS.find((one) => one === next) ?? "udp" })} options={TRANSPORTS.map((one) => ({ value: one, label: t(`trunks.transport.${one}`) }))} />
          </Field>
          <Field label={t("trunks.port")} error={errors.port}>
            {typed("port", String(usualPort(draft.transport)), true)}
          </Field>
          {draft.kind === "address" && (
            <Field label={t("trunks.username-also")} error={errors.username}>
              <Input dir="ltr" maxLength={200} autoCapitalize="off" autoComplete="off" spellCheck={false} value={draft.username} onChange={(event) => onChange({ username: event.target.value })} />
            </Field>
          )}
          <Field label={t("trunks.from_user")} hint={t("trunks.from_user-hint")} error={errors.from_user}>
            {typed("fromUser", draft.username)}
          </Field>
          <Field label={t("trunks.from_domain")} hint={t("trunks.from_domain-hint")} error={errors.from_domain}>
            {typed("fromDomain", draft.host)}
          </Field>
          <Field label={t("trunks.outbound_proxy")} hint={t("trunks.outbound_proxy-hint")} error={errors.outbound_proxy}>
            {typed("outboundProxy", "proxy.example.com")}
          </Field>
          <Field label={t("trunks.max_channels")} hint={t("trunks.max_channels-hint")} error={errors.max_channels}>
            {typed("maxChannels", "", true)}
          </Field>
        </div>
        {draft.kind === "registration" && (
          <Field label={t("trunks.addresses")} hint={t("trunks.addresses-also")} error={errors.addresses}>
            <Input dir="ltr" spellCheck={false} value={draft.addresses.replaceAll("\n", ", ")} onChange={(event) => onChange({ addresses: event.target.value })} onBlur={() => onChange({ addresses: addressesIn(draft.addresses).join("\n") })} />
          </Field>
        )}
        <Codecs codecs={draft.codecs} error={errors.codecs} onChange={(codecs) => onChange({ codecs })} />
        <div className="grid gap-3 sm:grid-cols-2">
          <Field label={t("trunks.caller_id")} hint={t("trunks.caller_id-hint")} error={draft.callerId === FIXED ? undefined : errors.caller_id}>
            <Select value={draft.callerId} onValueChange={(callerId) => onChange({ callerId })} options={ways.map((one) => ({ value: one, label: one === AS_DIALLED ? t("trunks.caller_id.as_dialled") : one === FIXED ? t("trunks.caller_id.fixed") : one }))} />
          </Field>
          {draft.callerId === FIXED && (
            <Field label={t("trunks.caller_id.number")} error={errors.caller_id}>
              <Input type="tel" dir="ltr" maxLength={32} placeholder="+39 06 1234 5678" value={draft.fixedNumber} onChange={(event) => onChange({ fixedNumber: event.target.value })} />
            </Field>
          )}
        </div>
        <fieldset className="grid gap-2">
          <legend className="mb-1 text-sm font-medium text-ink-2">{t("trunks.rewrite")}</legend>
          <div className="grid gap-3 sm:grid-cols-2">
            <Field label={t("trunks.strip")} error={errors.strip}>
              {typed("strip", "0", true)}
            </Field>
            <Field label={t("trunks.prefix")} error={errors.prefix}>
              {typed("prefix", "", true)}
            </Field>
          </div>
          <p className="text-sm text-ink-2">{t("trunks.rewrite-example", { number: EXAMPLE, dialled: dialled(EXAMPLE, draft.strip, draft.prefix) })}</p>
        </fieldset>
        <Field label={t("trunks.priority")} hint={t("trunks.priority-hint")} error={errors.priority} className="max-w-sm">
          {typed("priority", "0", true)}
        </Field>
      </div>
    </details>
  );
}

/** Those that are used in the order in which they are preferred, then the others. */
function Codecs({ codecs, error, onChange }: { codecs: readonly string[]; error: string | undefined; onChange: (codecs: readonly string[]) => void }) {
  const t = useT();
  const all = [...codecs, ...CODECS.filter((one) => !codecs.includes(one))];
  const name = (codec: string) => {
    const known = CODECS.find((one) => one === codec);
    return known ? t(`trunks.codec.${known}`) : codec;
  };
  return (
    <fieldset className="grid gap-1">
      <legend className="mb-1 text-sm font-medium text-ink-2">{t("trunks.codecs")}</legend>
      <ul className="grid gap-0.5">
        {all.map((codec, at) => {
          const used = codecs.includes(codec);
          return (
            <li key={codec} className="flex min-h-7 items-center gap-2">
              <Checkbox label={name(codec)} checked={used} onCheckedChange={(on) => onChange(on ? [...codecs, codec] : codecs.filter((one) => one !== codec))} />
              {used && at > 0 && (
                <IconButton size="sm" label={t("trunks.codec-prefer", { codec: name(codec) })} onClick={() => onChange(preferred(codecs, codec))}>
                  <ArrowUp size={14} aria-hidden />
                </IconButton>
              )}
            </li>
          );
        })}
      </ul>
      {error && (
        <p role="alert" className="text-sm text-bad">
          {error}
        </p>
      )}
      <p className="text-sm text-ink-3">{t("trunks.codecs-hint")}</p>
    </fieldset>
  );
}
