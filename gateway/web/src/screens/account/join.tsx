import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { components } from "@/api";
import { Problem, open } from "@/api";
import { Button, Field, Input, PasswordInput, Skeleton } from "@/design";
import { useT } from "@/i18n";
import { Frame, linkToken } from "./frame";
import { accountProblem } from "./problem";
import { StrengthMeter } from "./strength";

/** Accepts an invitation. */
export default function Join() {
  const t = useT();
  const [token] = useState(linkToken);
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const invitation = useQuery({
    queryKey: ["invitation", token],
    queryFn: ({ signal }) => open<components["schemas"]["InvitationView"]>("POST", "/api/v1/auth/invitations/look", { token }, signal),
    retry: false,
  });
  const accept = useMutation({ mutationFn: () => open("POST", "/api/v1/auth/invitations/accept", { token, name: name.trim(), password }) });
  const fields = accept.error instanceof Problem ? accept.error.fields : {};
  const seen = invitation.data;
  if (!seen) {
    return (
      <Frame title={t("common.product")}>
        {invitation.isError ? <p role="alert">{accountProblem(invitation.error)}</p> : <Skeleton lines={3} />}
      </Frame>
    );
  }
  if (accept.isSuccess) {
    return (
      <Frame title={t("account.join.title", { tenant: seen.tenant })}>
        <p role="status">{t("account.join.done", { tenant: seen.tenant })}</p>
      </Frame>
    );
  }
  return (
    <Frame title={t("account.join.title", { tenant: seen.tenant })} text={t("account.join.text", { inviter: seen.invited_by, email: seen.email })}>
      <form
        noValidate
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (password && !accept.isPending) accept.mutate();
        }}
      >
        {accept.isError && !fields.name && !fields.password && <p role="alert">{accountProblem(accept.error)}</p>}
        <input type="hidden" autoComplete="username" value={seen.email} readOnly />
        <Field label={t("account.join.name")} error={fields.name}>
          <Input autoComplete="name" maxLength={100} value={name} onChange={(event) => setName(event.target.value)} className="h-10" />
        </Field>
        <Field label={t("account.join.password")} hint={<Hint password={password} own={[name, seen.email, seen.tenant]} />} error={fields.password}>
          <PasswordInput autoComplete="new-password" value={password} onChange={(event) => setPassword(event.target.value)} className="h-10" />
        </Field>
        <Button type="submit" variant="primary" size="lg" busy={accept.isPending} disabled={!password}>
          {t("account.join.submit")}
        </Button>
      </form>
    </Frame>
  );
}

function Hint({ password, own }: { password: string; own: string[] }) {
  const t = useT();
  return (
    <span className="grid gap-1">
      <StrengthMeter password={password} own={own} />
      <span>{t("account.join.known")}</span>
    </span>
  );
}
