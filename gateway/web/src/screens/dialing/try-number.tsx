import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, body, newKey, useCan } from "@/api";
import { Button, Card, Field, Input, grouped } from "@/design";
import { currentLanguage, useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { countryName } from "./countries";

/** What would become of a call, without calling. */
export function TryNumber() {
  const t = useT();
  const may = useCan("calls:dial");
  const [to, setTo] = useState("");
  const check = useMutation({ mutationFn: () => body(api.POST("/api/v1/dialing/check", { params: { header: { "Idempotency-Key": newKey() } }, body: { to } })) });
  if (!may) return null;
  const found = check.data;
  const where = found?.number ? [grouped(found.number), found.country && countryName(found.country, currentLanguage())].filter(Boolean).join(" · ") : undefined;
  return (
    <Card>
      <form
        className="flex flex-wrap items-end gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (to.trim()) check.mutate();
        }}
      >
        <Field label={t("dialing.try.title")} className="min-w-52 flex-1" error={check.error ? problemText(check.error) : undefined}>
          <Input type="tel" maxLength={64} dir="ltr" value={to} onChange={(event) => setTo(event.target.value)} />
        </Field>
        <Button type="submit" busy={check.isPending} disabled={to.trim() === ""}>
          {t("dialing.try.do")}
        </Button>
      </form>
      <div aria-live="polite">
        {found && (
          <p className="mt-2 text-md">
            <strong className={found.allowed ? "text-live" : "text-bad"}>{t(found.allowed ? "dialing.try.allowed" : "dialing.try.denied")}</strong>
            {where && <bdi> · {where}</bdi>}
            {found.words && <span className="block text-ink-2">{found.words}</span>}
            {found.caller_id && <span className="block text-ink-2">{t("dialing.try.shown", { number: grouped(found.caller_id) })}</span>}
          </p>
        )}
      </div>
    </Card>
  );
}
