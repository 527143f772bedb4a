import { Field, Input } from "@/design";
import { useT } from "@/i18n";
import type { LimitTexts } from "./tenant";

const FIELDS = ["agents", "minutes", "storage_bytes", "messages"] as const;

/** What a tenant may use; nothing written: as much as there is. */
export function LimitFields({ texts, onChange }: { texts: LimitTexts; onChange: (texts: LimitTexts) => void }) {
  const t = useT();
  return (
    <fieldset>
      <legend className="mb-1 text-md font-semibold">{t("platform.limits")}</legend>
      <p className="mb-2 text-sm text-ink-3">{t("platform.limits.about")}</p>
      <div className="grid gap-3 sm:grid-cols-2">
        {FIELDS.map((field) => (
          <Field key={field} label={t(`platform.limit.${field}`)}>
            <Input inputMode="decimal" placeholder={t("platform.limit.none")} value={texts[field]} onChange={(event) => onChange({ ...texts, [field]: event.target.value })} />
          </Field>
        ))}
      </div>
    </fieldset>
  );
}
