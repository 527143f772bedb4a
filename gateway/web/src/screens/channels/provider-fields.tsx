import { Field, Input, PasswordInput } from "@/design";
import { type TextKey, useT } from "@/i18n";
import type { Kind } from "./api";
import { FIELDS, type FieldSpec } from "./fields";

interface Props {
  kind: Kind;
  values: Readonly<Record<string, string>>;
  onChange: (values: Readonly<Record<string, string>>) => void;
  /** By the server's names: `settings.access_token`. */
  errors: Readonly<Record<string, string>>;
  /** The secrets that are kept already. */
  kept?: readonly string[];
}

/** What the provider wants to know. */
export function ProviderFields({ kind, values, onChange, errors, kept = [] }: Props) {
  const t = useT();
  const one = (spec: FieldSpec) => {
    const { name, secret, needed } = spec;
    const there = kept.includes(name);
    const props = {
      value: values[name] ?? "",
      maxLength: 1024,
      autoComplete: "off",
      spellCheck: false,
      ...(there ? { placeholder: t("channels.field.kept") } : {}),
      onChange: (event: { target: { value: string } }) => onChange({ ...values, [name]: event.target.value }),
    };
    return (
      <Field key={name} label={t(`channels.field.${name}` as TextKey)} hint={t(`channels.hint.${name}` as TextKey)} error={errors[`settings.${name}`]} required={needed === true && !there}>
        {secret ? <PasswordInput {...props} autoComplete="new-password" /> : <Input {...props} />}
      </Field>
    );
  };
  const more = FIELDS[kind].filter((spec) => spec.more);
  const wrong = more.some(({ name }) => errors[`settings.${name}`] !== undefined);
  return (
    <div className="grid gap-3">
      {FIELDS[kind].filter((spec) => !spec.more).map(one)}
      <details className="rounded-md border border-line px-3 py-2" {...(wrong ? { open: true } : {})}>
        <summary className="cursor-default text-md font-medium text-ink-2">{t("channels.more")}</summary>
        <div className="grid gap-3 pt-3">{more.map(one)}</div>
      </details>
    </div>
  );
}
