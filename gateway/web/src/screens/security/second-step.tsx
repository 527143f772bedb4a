import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { components } from "@/api";
import { Problem, api, body, meQuery } from "@/api";
import { Button, Dialog, Field, Input, PasswordInput, Skeleton, toast } from "@/design";
import { useT } from "@/i18n";
import { problemText } from "../calls/problem-text";

type Secret = components["schemas"]["SecondStepSecret"];
type Wish = "begin" | "off" | "codes";

/** One-time codes: set up, switched off, and the codes for the day when the phone is lost. */
export function SecondStep({ onReady }: { onReady?: () => void }) {
  const t = useT();
  const queries = useQueryClient();
  const state = useQuery({ queryKey: ["second-step"], queryFn: ({ signal }) => body(api.GET("/api/v1/me/second-step", { signal })) });
  const [wish, setWish] = useState<Wish>();
  const [secret, setSecret] = useState<Secret>();
  const [codes, setCodes] = useState<readonly string[]>();
  const changed = () => void Promise.all([queries.invalidateQueries({ queryKey: ["second-step"] }), queries.invalidateQueries({ queryKey: meQuery.queryKey })]);
  if (state.isPending) return <Skeleton lines={2} />;
  const on = state.data?.since != null;
  return (
    <div className="grid gap-3">
      <p className="text-md text-ink-2">
        {on ? t("account.totp.on-text") : t("account.totp.off-text")}
        {on && ` ${t("account.totp.left", { n: state.data?.recovery_codes_left ?? 0 })}`}
      </p>
      <div className="flex flex-wrap gap-2">
        {on ? (
          <>
            <Button onClick={() => setWish("codes")}>{t("account.totp.new-codes")}</Button>
            <Button variant="danger" onClick={() => setWish("off")}>
              {t("account.totp.stop")}
            </Button>
          </>
        ) : (
          <Button variant="primary" onClick={() => setWish("begin")}>
            {t("account.totp.start")}
          </Button>
        )}
      </div>
      {wish && (
        <AskPassword
          wish={wish}
          onClose={() => setWish(undefined)}
          onSecret={setSecret}
          onCodes={setCodes}
          onDone={() => {
            setWish(undefined);
            changed();
          }}
        />
      )}
      {secret && (
        <Confirm
          secret={secret}
          onClose={() => setSecret(undefined)}
          onCodes={(made) => {
            setSecret(undefined);
            setCodes(made);
            void queries.invalidateQueries({ queryKey: ["second-step"] });
          }}
        />
      )}
      <Dialog
        open={codes !== undefined}
        onOpenChange={(open) => {
          if (open) return;
          setCodes(undefined);
          changed();
          onReady?.();
        }}
        title={t("account.totp.codes")}
        description={t("account.totp.codes-text")}
        footer={
          <Button
            variant="primary"
            onClick={() => {
              setCodes(undefined);
              changed();
              onReady?.();
            }}
          >
            {t("account.totp.kept")}
          </Button>
        }
      >
        <ul className="grid grid-cols-2 gap-1 font-mono text-md">
          {codes?.map((one) => (
            <li key={one}>{one}</li>
          ))}
        </ul>
      </Dialog>
    </div>
  );
}

interface Asked {
  wish: Wish;
  onClose: () => void;
  onSecret: (secret: Secret) => void;
  onCodes: (codes: readonly string[]) => void;
  onDone: () => void;
}

/** Whoever found an open panel must not take the account over. */
function AskPassword({ wish, onClose, onSecret, onCodes, onDone }: Asked) {
  const t = useT();
  const [password, setPassword] = useState("");
  const go = useMutation({
    mutationFn: async () => {
      if (wish === "begin") onSecret(await body(api.POST("/api/v1/me/second-step", { body: { password } })));
      else if (wish === "codes") onCodes((await body(api.POST("/api/v1/me/second-step/recovery-codes", { body: { password } }))).recovery_codes);
      else await api.POST("/api/v1/me/second-step/off", { body: { password } });
    },
    onSuccess: onDone,
  });
  const wrong = go.error instanceof Problem ? (go.error.fields.password ? t("people.password.wrong") : problemText(go.error)) : undefined;
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={t("account.totp.title")} size="sm">
      <form
        noValidate
        className="grid gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (!go.isPending) go.mutate();
        }}
      >
        <Field label={t("account.password.ask")} error={wrong}>
          <PasswordInput autoComplete="current-password" value={password} onChange={(event) => setPassword(event.target.value)} />
        </Field>
        <div>
          <Button type="submit" variant="primary" busy={go.isPending}>
            {t("account.password.go")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Confirm({ secret, onClose, onCodes }: { secret: Secret; onClose: () => void; onCodes: (codes: readonly string[]) => void }) {
  const t = useT();
  const [code, setCode] = useState("");
  const confirm = useMutation({
    mutationFn: () => body(api.POST("/api/v1/me/second-step/confirm", { body: { code } })),
    onSuccess: ({ recovery_codes }) => onCodes(recovery_codes),
    onError: (error) => {
      if (!(error instanceof Problem && error.fields.code)) toast({ title: t("account.failed"), description: problemText(error), tone: "bad" });
    },
  });
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={t("account.totp.title")} description={t("account.totp.scan")}>
      <form
        noValidate
        className="grid gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (code && !confirm.isPending) confirm.mutate();
        }}
      >
        <img alt={t("account.totp.picture")} src={`data:image/svg+xml,${encodeURIComponent(secret.picture)}`} className="size-48 justify-self-center rounded-md bg-white" />
        <p className="text-sm text-ink-2">
          {t("account.totp.key")}: <code className="font-mono break-all">{secret.secret}</code>
        </p>
        <Field label={t("account.code")} error={confirm.error instanceof Problem && confirm.error.fields.code ? t("account.code.wrong") : undefined}>
          <Input autoComplete="one-time-code" inputMode="numeric" value={code} onChange={(event) => setCode(event.target.value)} className="num max-w-40" />
        </Field>
        <div>
          <Button type="submit" variant="primary" busy={confirm.isPending} disabled={!code}>
            {t("account.totp.confirm")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
