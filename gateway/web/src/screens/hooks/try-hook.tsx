import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, body } from "@/api";
import { Badge, Button, Card, Field, Input, Select } from "@/design";
import { useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { HOOKS, type HookName } from "./snippets";

const TONES = { ok: "live", partial: "ring", unknown: "ring", failed: "bad", denied: "bad" } as const;

/** Asks a hook as a dialplan would, and shows what it sets. */
export function TryHook() {
  const t = useT();
  const [hook, setHook] = useState<HookName>("caller");
  const [called, setCalled] = useState("");
  const [from, setFrom] = useState("");
  const [name, setName] = useState("");
  const [text, setText] = useState("");
  const given = (value: string) => (value.trim() === "" ? null : value.trim());
  const ask = useMutation({
    mutationFn: () => body(api.POST("/api/v1/hooks/try", { body: { hook, called: given(called), from: given(from), name: hook === "event" ? given(name) : null, text: hook === "event" ? given(text) : null } })),
  });
  const answer = ask.data;
  return (
    <Card className="grid grid-cols-[minmax(0,1fr)] gap-3">
      <h2 className="font-medium">{t("hooks.try")}</h2>
      <form
        className="grid gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (!ask.isPending) ask.mutate();
        }}
      >
        <div className="grid gap-3 sm:grid-cols-3">
          <Field label={t("hooks.hook")}>
            <Select
              value={hook}
              onValueChange={(next) => {
                setHook(next as HookName);
                ask.reset();
              }}
              options={HOOKS.map((one) => ({ value: one, label: one }))}
            />
          </Field>
          <Field label={t("hooks.called")}>
            <Input type="tel" maxLength={60} placeholder="+15550100" value={called} onChange={(event) => setCalled(event.target.value)} />
          </Field>
          <Field label={t("hooks.from")}>
            <Input type="tel" maxLength={60} placeholder="+12125550123" value={from} onChange={(event) => setFrom(event.target.value)} />
          </Field>
          {hook === "event" && (
            <>
              <Field label={t("hooks.event-name")} hint={t("hooks.event-written")}>
                <Input maxLength={40} placeholder="menu.chosen" value={name} onChange={(event) => setName(event.target.value)} />
              </Field>
              <Field label={t("hooks.event-text")}>
                <Input maxLength={500} value={text} onChange={(event) => setText(event.target.value)} />
              </Field>
            </>
          )}
        </div>
        <div>
          <Button type="submit" variant="primary" busy={ask.isPending}>
            {t("hooks.ask")}
          </Button>
        </div>
        {ask.error && (
          <p role="alert" className="text-sm text-bad">
            {problemText(ask.error)}
          </p>
        )}
      </form>
      {answer && (
        <div role="status" className="grid gap-2">
          <p className="flex items-center gap-2 text-md text-ink-2">
            <Badge tone={TONES[answer.status]}>{answer.status}</Badge>
            {t("hooks.took", { ms: answer.took_ms })}
          </p>
          <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 rounded-md bg-sunken px-3 py-2 text-sm max-sm:grid-cols-1">
            {Object.entries(answer.variables).map(([variable, value]) => (
              <div key={variable} className="contents">
                <dt className="font-mono break-all text-ink-3">{variable}</dt>
                <dd className="min-w-0 font-mono break-words">{value === "" ? <span className="font-sans text-ink-3">{t("hooks.empty")}</span> : value}</dd>
              </div>
            ))}
          </dl>
        </div>
      )}
    </Card>
  );
}
