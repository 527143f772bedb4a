import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useRouter, useSearch } from "@tanstack/react-router";
import { CircleAlert, PhoneCall } from "lucide-react";
import { useEffect, useState } from "react";
import { Problem, api, body, meQuery, open, signIn } from "@/api";
import type { components } from "@/api";
import { Button, Field, Input, PasswordInput, toast, useNow } from "@/design";
import { LANGUAGES, setLanguage, useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { setupQuery } from "../setup/query";
import { PasswordForm } from "../shared/password";
import { LanguageSelect, ThemeControl } from "../shared/preferences";

/** Why it did not work; `until` when trying again makes sense only then. */
interface Refused {
  text: string;
  until?: number;
}

/** The one screen that everybody sees before work begins. */
export default function SignIn() {
  const t = useT();
  const [oneTime, setOneTime] = useState<string>();
  const finish = useFinish();
  return (
    <div className="grid h-full grid-rows-[1fr_auto] overflow-auto bg-bg">
      <main className="grid place-items-center p-4">
        <div className="w-full max-w-sm">
          <div className="mb-6 flex items-center gap-3">
            <span aria-hidden className="grid size-11 place-items-center rounded-lg bg-accent text-accent-ink">
              <PhoneCall size={22} />
            </span>
            <div>
              <h1 className="text-xl font-semibold tracking-tight">{oneTime === undefined ? t("common.product") : t("people.own-password.title")}</h1>
              <p className="text-md text-ink-2">{oneTime === undefined ? t("people.sign-in.subtitle") : t("people.own-password.text")}</p>
            </div>
          </div>
          <div className="rounded-lg border border-line bg-surface p-5 shadow-card">
            {oneTime === undefined ? <Credentials onOneTime={setOneTime} onDone={finish} /> : <PasswordForm current={oneTime} onDone={finish} submit={t("people.own-password.submit")} />}
          </div>
          {oneTime === undefined && <Elsewhere />}
          {oneTime === undefined && <DemoUsers onDone={finish} />}
        </div>
      </main>
      <footer className="flex flex-wrap items-center justify-center gap-3 p-4">
        <LanguageSelect className="w-36" onChange={(language) => void setLanguage(language)} />
        <ThemeControl />
      </footer>
    </div>
  );
}

const DEMO = [
  ["operator@demo.test", "operator"],
  ["manager@demo.test", "manager"],
  ["admin@demo.test", "admin"],
] as const;
/** Everybody may know it: it is in the README, and goes with the demo. */
const DEMO_PASSWORD = "trunkline-demo";

/** While the demo is there: in by one click, as whoever one wants to be. */
function DemoUsers({ onDone }: { onDone: () => void }) {
  const t = useT();
  const { data } = useQuery(setupQuery);
  const enter = useMutation({ mutationFn: (email: string) => signIn(email, DEMO_PASSWORD), onSuccess: onDone, onError: (error) => toast({ title: t("people.sign-in.demo-failed"), description: problemText(error), tone: "bad" }) });
  if (!data?.demo_present) return null;
  return (
    <section aria-label={t("people.sign-in.demo")} className="mt-5 text-center">
      <p className="mb-2 text-sm text-ink-2">{t("people.sign-in.demo")}</p>
      <div className="flex flex-wrap justify-center gap-2">
        {DEMO.map(([email, role]) => (
          <Button key={email} size="sm" disabled={enter.isPending} busy={enter.isPending && enter.variables === email} onClick={() => enter.mutate(email)}>
            {t(`setup.role.${role}`)}
          </Button>
        ))}
      </div>
    </section>
  );
}

const REFUSED = ["no-provider", "provider", "denied", "stale", "address", "no-member"] as const;

/** The company's own identity provider, where it has one. */
function Elsewhere() {
  const t = useT();
  const { next, tenant, problem } = useSearch({ from: "/sign-in" });
  const { data } = useQuery({
    queryKey: ["sign-in-methods", tenant],
    queryFn: ({ signal }) => open<components["schemas"]["SignInMethods"]>("GET", `/api/v1/auth/methods${tenant ? `?tenant=${encodeURIComponent(tenant)}` : ""}`, undefined, signal),
  });
  const why = REFUSED.find((one) => one === problem);
  const provider = data?.provider;
  return (
    <div className="mt-4 grid gap-3">
      {why && (
        <p role="alert" className="rounded-md bg-bad-soft px-3 py-2 text-md text-ink">
          {t(`account.refused.${why}`)}
        </p>
      )}
      {provider && (
        <a
          href={`/api/v1/auth/oidc/start?tenant=${encodeURIComponent(provider.tenant)}&next=${encodeURIComponent(next ?? "/")}`}
          className="grid h-10 place-items-center rounded-md border border-line-control bg-surface text-md font-medium hover:bg-sunken"
        >
          {t("account.with", { name: provider.name })}
        </a>
      )}
      <Link to="/forgot-password" className="justify-self-center text-md text-accent underline">
        {t("account.forgot")}
      </Link>
    </div>
  );
}

/** To where the person was going, in their own language. */
function useFinish(): () => void {
  const { next } = useSearch({ from: "/sign-in" });
  const navigate = useNavigate();
  const router = useRouter();
  const queries = useQueryClient();
  return () => {
    void (async () => {
      queries.clear();
      const me = await body(api.GET("/api/v1/me")).catch(() => undefined);
      if (me) queries.setQueryData(meQuery.queryKey, me);
      const wanted = LANGUAGES.find((one) => one === me?.user.language);
      if (wanted) await setLanguage(wanted);
      if (next) router.history.push(next);
      else await navigate({ to: "/" });
    })();
  };
}

function Credentials({ onOneTime, onDone }: { onOneTime: (password: string) => void; onDone: () => void }) {
  const t = useT();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<Refused>();
  /** Typed by whoever has one-time codes; `undefined` until it is asked for. */
  const [code, setCode] = useState<string>();
  const now = useNow();
  const wait = refused?.until === undefined ? 0 : Math.max(0, Math.ceil((refused.until - now) / 1000));
  useEffect(() => {
    document.title = t("common.product");
  }, [t]);
  const send = async () => {
    if (!email.includes("@") || !password) {
      setRefused({ text: t("people.sign-in.incomplete") });
      return;
    }
    setBusy(true);
    setRefused(undefined);
    try {
      const { user } = await signIn(email.trim(), password, code);
      if (user.must_change_password) onOneTime(password);
      else onDone();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.code === "second-step-required") setCode("");
      else if (problem.code === "wrong-code") setRefused({ text: t("account.code.wrong") });
      // Why, in the words of whoever runs the platform.
      else if (problem.code === "tenant-suspended") setRefused({ text: problem.message });
      else if (problem.status === 429) setRefused({ text: t("people.sign-in.limited"), until: Date.now() + (problem.retryAfter ?? 60) * 1000 });
      else if (problem.status === 401 || problem.status === 422 || problem.status === 400) setRefused({ text: t("people.sign-in.wrong") });
      else setRefused({ text: problem.status === 0 ? t("people.sign-in.unreachable") : t("common.error.failed.text") });
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      noValidate
      className="grid gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy && wait === 0) void send();
      }}
    >
      <div role="alert" className="contents">
        {refused && (
          <p className="flex items-start gap-2 rounded-md bg-bad-soft px-3 py-2 text-md text-ink">
            <CircleAlert size={16} aria-hidden className="mt-0.5 shrink-0 text-bad" />
            <span className="num">
              {refused.text}
              {wait > 0 && ` ${t("live.retry", { n: wait })}.`}
            </span>
          </p>
        )}
      </div>
      <Field label={t("people.sign-in.email")}>
        {/* The only thing that there is to do here. */}
        {/* eslint-disable-next-line jsx-a11y/no-autofocus */}
        <Input type="email" name="email" autoComplete="username" autoFocus value={email} onChange={(event) => setEmail(event.target.value)} className="h-10" />
      </Field>
      <Field label={t("people.sign-in.password")}>
        <PasswordInput name="password" autoComplete="current-password" value={password} onChange={(event) => setPassword(event.target.value)} className="h-10" />
      </Field>
      {code !== undefined && (
        <Field label={t("account.code")} hint={t("account.code.text")}>
          {/* It was just asked for. */}
          {/* eslint-disable-next-line jsx-a11y/no-autofocus */}
          <Input name="code" autoComplete="one-time-code" autoFocus value={code} onChange={(event) => setCode(event.target.value)} className="num h-10" />
        </Field>
      )}
      <Button type="submit" variant="primary" size="lg" busy={busy} disabled={wait > 0}>
        {t("people.sign-in.submit")}
      </Button>
    </form>
  );
}
