import { ArrowUp } from "lucide-react";
import { Checkbox, Field, IconButton, Input, Select, Switch } from "@/design";
import { useT } from "@/i18n";
import { CODECS, type Field as FieldName, type TrunkDraft, dialled, preferred, sourcesIn, usualPort } from "./draft";
import { DIAL_FORMATS, type Shown, TRANSPORTS } from "./model";

interface Props {
  draft: TrunkDraft;
  errors: Readonly<Partial<Record<FieldName, string>>>;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onChange: (part: Partial<TrunkDraft>) => void;
}

/** A number to show by how numbers are written for a provider. */
const EXAMPLE = { code: "39", rest: "0612345678", trunk: "" };
const SHOWN: readonly Shown["show"][] = ["as_chosen", "number", "withheld"];

type Typed = "port" | "authUsername" | "fromUser" | "fromDomain" | "outboundProxy" | "maxChannels" | "dialStrip" | "dialPrefix" | "qualify" | "expires" | "priority";

/** What most providers need nothing of. */
export function Advanced({ draft, errors, open, onOpenChange, onChange }: Props) {
  const t = useT();
  const typed = (field: Typed, placeholder = "", numeric = false) => (
    <Input dir="ltr" maxLength={300} autoCapitalize="off" autoComplete="off" spellCheck={false} placeholder={placeholder} {...(numeric ? { inputMode: "numeric" as const, className: "w-32" } : {})} value={draft[field]} onChange={(event) => onChange({ [field]: event.target.value })} />
  );
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
              <Input dir="ltr" maxLength={128} autoCapitalize="off" autoComplete="off" spellCheck={false} value={draft.username} onChange={(event) => onChange({ username: event.target.value })} />
            </Field>
          )}
          <Field label={t("trunks.auth_username")} hint={t("trunks.auth_username-hint")} error={errors.auth_username}>
            {typed("authUsername", draft.username)}
          </Field>
          <Field label={t("trunks.from_user")} hint={t("trunks.from_user-hint")} error={errors.from_user}>
            {typed("fromUser")}
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
          <Field label={t("trunks.sources")} hint={t("trunks.sources-also")} error={errors.sources}>
            <Input dir="ltr" spellCheck={false} value={draft.sources.replaceAll("\n", ", ")} onChange={(event) => onChange({ sources: event.target.value })} onBlur={() => onChange({ sources: sourcesIn(draft.sources).join("\n") })} />
          </Field>
        )}
        <Codecs codecs={draft.codecs} error={errors.codecs} onChange={(codecs) => onChange({ codecs })} />
        <fieldset className="grid gap-3">
          <legend className="mb-1 text-sm font-medium text-ink-2">{t("trunks.out")}</legend>
          <Switch label={t("trunks.outbound")} checked={draft.outbound} onCheckedChange={(outbound) => onChange({ outbound })} />
          <div className="grid gap-3 sm:grid-cols-2">
            <Field label={t("trunks.shown")} hint={t("trunks.shown-hint")} error={draft.shown === "number" ? undefined : errors.shown}>
              <Select value={draft.shown} onValueChange={(next) => onChange({ shown: SHOWN.find((one) => one === next) ?? "as_chosen" })} options={SHOWN.map((one) => ({ value: one, label: t(`trunks.shown.${one}`) }))} />
            </Field>
            {draft.shown === "number" && (
              <Field label={t("trunks.shown-number")} error={errors.shown}>
                <Input type="tel" dir="ltr" maxLength={32} placeholder="+39 06 1234 5678" value={draft.shownNumber} onChange={(event) => onChange({ shownNumber: event.target.value })} />
              </Field>
            )}
            <Field label={t("trunks.dial_format")} error={errors.dial_format}>
              <Select value={draft.dialFormat} onValueChange={(next) => onChange({ dialFormat: DIAL_FORMATS.find((one) => one === next) ?? "e164" })} options={DIAL_FORMATS.map((one) => ({ value: one, label: t(`trunks.dial_format.${one}`) }))} />
            </Field>
          </div>
          <div className="grid gap-3 sm:grid-cols-2">
            <Field label={t("trunks.strip")} error={errors.dial_strip}>
              {typed("dialStrip", "0", true)}
            </Field>
            <Field label={t("trunks.prefix")} error={errors.dial_prefix}>
              {typed("dialPrefix", "", true)}
            </Field>
          </div>
          <p className="text-sm text-ink-2" data-example>
            {t("trunks.rewrite-example", { number: `+${EXAMPLE.code}${EXAMPLE.rest}`, dialled: dialled(EXAMPLE, draft) })}
          </p>
          <Field label={t("trunks.priority")} hint={t("trunks.priority-hint")} error={errors.priority} className="max-w-sm">
            {typed("priority", "0", true)}
          </Field>
        </fieldset>
        <div className="grid gap-3 sm:grid-cols-2">
          <Field label={t("trunks.qualify")} hint={t("trunks.qualify-hint")} error={errors.qualify_seconds}>
            {typed("qualify", "30", true)}
          </Field>
          {draft.kind === "registration" && (
            <Field label={t("trunks.expires")} hint={t("trunks.expires-hint")} error={errors.expires_seconds}>
              {typed("expires", "300", true)}
            </Field>
          )}
        </div>
        {errors.servers && <p className="text-sm text-bad">{errors.servers}</p>}
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
