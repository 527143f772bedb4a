import { useQueryClient } from "@tanstack/react-query";
import { useT } from "@/i18n";
import { PasswordForm } from "@/screens/shared/password";

/** Until they have chosen a password of their own the server answers nothing else. */
export default function OwnPassword() {
  const t = useT();
  const queries = useQueryClient();
  return (
    <main className="mx-auto grid h-full max-w-sm content-center gap-4 p-4">
      <h1 className="text-xl font-semibold">{t("people.own-password.title")}</h1>
      <p className="text-md text-ink-2">{t("people.own-password.text")}</p>
      <PasswordForm onDone={() => void queries.invalidateQueries()} submit={t("people.own-password.submit")} />
    </main>
  );
}
