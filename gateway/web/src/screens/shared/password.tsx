import { Suspense, lazy, useState } from "react";
import { Problem, api, body, useMe } from "@/api";
import { adopt } from "@/api/session";
import { Button, Field, PasswordInput, toast } from "@/design";
import { loadArea, useT } from "@/i18n";
import { SHORTEST_PASSWORD, strengthOf } from "./strength";

/** Comes with its texts when the first new password is asked for: most people never see it. */
const StrengthMeter = lazy(async () => {
  const [{ StrengthMeter }] = await Promise.all([import("../account/strength"), loadArea("account")]);
  return { default: StrengthMeter };
});

/** The rule while nothing is typed, then how good what is typed is. In words: a colour alone would tell not everybody. */
export function PasswordStrength({ password, known = [] }: { password: string; known?: readonly string[] }) {
  const t = useT();
  const strength = strengthOf(password, known);
  return (
    <span aria-live="polite" className={strength === "strong" ? "text-live" : undefined}>
      {strength === "short" ? t("people.password.rule", { n: SHORTEST_PASSWORD }) : t(`setup.strength.${strength}`)}
    </span>
  );
}

/** A new password for the person who is signed in; `current` is known when they have just typed it. */
export function PasswordForm({ current: known, onDone, submit }: { current?: string; onDone: () => void; submit: string }) {
  const t = useT();
  const me = useMe();
  const [current, setCurrent] = useState(known ?? "");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const [error, setError] = useState<{ current?: string; next?: string; again?: string }>({});
  const [busy, setBusy] = useState(false);
  const send = async () => {
    const found = {
      ...(current ? {} : { current: t("people.password.missing") }),
      ...(next.length < SHORTEST_PASSWORD ? { next: t("people.password.short", { n: SHORTEST_PASSWORD }) } : next === current ? { next: t("people.password.same") } : {}),
      ...(again === next ? {} : { again: t("people.password.differs") }),
    };
    setError(found);
    if (Object.keys(found).length > 0) return;
    setBusy(true);
    try {
      adopt(await body(api.POST("/api/v1/auth/password", { body: { current, new: next } })));
      toast({ title: t("people.password.changed"), tone: "good" });
      setCurrent("");
      setNext("");
      setAgain("");
      onDone();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      const { current: wrong, new: weak } = problem.fields;
      if (wrong || problem.status === 401 || problem.status === 403) setError({ current: t("people.password.wrong") });
      else if (problem.status === 0) setError({ next: t("common.error.offline.text") });
      else setError({ next: weak ?? problem.message });
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      noValidate
      className="grid gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      {known === undefined && (
        <Field label={t("people.password.current")} error={error.current}>
          <PasswordInput autoComplete="current-password" value={current} onChange={(event) => setCurrent(event.target.value)} />
        </Field>
      )}
      <Field
        label={t("people.password.new")}
        hint={
          <Suspense fallback={<PasswordStrength password={next} />}>
            <StrengthMeter password={next} own={me ? [me.user.name, me.user.email, me.tenant.name] : []} />
          </Suspense>
        }
        error={error.next ?? (known === undefined ? undefined : error.current)}
      >
        <PasswordInput autoComplete="new-password" value={next} onChange={(event) => setNext(event.target.value)} />
      </Field>
      <Field label={t("people.password.again")} error={error.again}>
        <PasswordInput autoComplete="new-password" value={again} onChange={(event) => setAgain(event.target.value)} />
      </Field>
      <div>
        <Button type="submit" variant="primary" busy={busy}>
          {submit}
        </Button>
      </div>
    </form>
  );
}
