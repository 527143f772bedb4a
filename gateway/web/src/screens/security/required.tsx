import { useQueryClient } from "@tanstack/react-query";
import { renew } from "@/api";
import { useT } from "@/i18n";
import { SecondStep } from "./second-step";

/** The company asks for one-time codes: until they are set up the server answers nothing else. */
export default function Required() {
  const t = useT();
  const queries = useQueryClient();
  return (
    <main className="mx-auto grid h-full max-w-sm content-center gap-4 p-4">
      <h1 className="text-xl font-semibold">{t("account.totp.title")}</h1>
      <p className="text-md text-ink-2">{t("account.totp.required")}</p>
      <SecondStep onReady={() => void renew().then(() => queries.invalidateQueries())} />
    </main>
  );
}
