import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Problem, open } from "@/api";
import { Button, Field, PasswordInput } from "@/design";
import { useT } from "@/i18n";
import { Frame, linkToken } from "./frame";
import { accountProblem } from "./problem";
import { StrengthMeter } from "./strength";

/** A new password, with the link of a letter. */
export default function Reset() {
  const t = useT();
  const [token] = useState(linkToken);
  const [next, setNext] = useState("");
  const reset = useMutation({ mutationFn: () => open("POST", "/api/v1/auth/password/reset", { token, new: next }) });
  const wrong = reset.error instanceof Problem ? (reset.error.fields.new ?? accountProblem(reset.error)) : undefined;
  return (
    <Frame title={t("account.forgot.title")}>
      {reset.isSuccess ? (
        <p role="status" className="text-md">
          {t("account.reset.done")}
        </p>
      ) : (
        <form
          noValidate
          className="grid gap-4"
          onSubmit={(event) => {
            event.preventDefault();
            if (next && !reset.isPending) reset.mutate();
          }}
        >
          <Field label={t("people.password.new")} hint={<StrengthMeter password={next} />} error={wrong}>
            <PasswordInput autoComplete="new-password" value={next} onChange={(event) => setNext(event.target.value)} className="h-10" />
          </Field>
          <Button type="submit" variant="primary" size="lg" busy={reset.isPending} disabled={!next}>
            {t("account.reset.submit")}
          </Button>
        </form>
      )}
    </Frame>
  );
}
