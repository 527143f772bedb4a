import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { open } from "@/api";
import { Button, Field, Input } from "@/design";
import { useT } from "@/i18n";
import { Frame } from "./frame";
import { accountProblem } from "./problem";

/** Asks for a link to a new password. */
export default function Forgot() {
  const t = useT();
  const [email, setEmail] = useState("");
  const ask = useMutation({ mutationFn: () => open("POST", "/api/v1/auth/password/forgot", { email: email.trim() }) });
  return (
    <Frame title={t("account.forgot.title")} text={t("account.forgot.text")}>
      {ask.isSuccess ? (
        <p role="status" className="text-md">
          {t("account.forgot.sent")}
        </p>
      ) : (
        <form
          noValidate
          className="grid gap-4"
          onSubmit={(event) => {
            event.preventDefault();
            if (email.includes("@") && !ask.isPending) ask.mutate();
          }}
        >
          <Field label={t("people.sign-in.email")} error={ask.isError ? accountProblem(ask.error) : undefined}>
            <Input type="email" name="email" autoComplete="username" value={email} onChange={(event) => setEmail(event.target.value)} className="h-10" />
          </Field>
          <Button type="submit" variant="primary" size="lg" busy={ask.isPending} disabled={!email.includes("@")}>
            {t("account.forgot.submit")}
          </Button>
        </form>
      )}
    </Frame>
  );
}
