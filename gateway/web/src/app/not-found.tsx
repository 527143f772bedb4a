import { Link } from "@tanstack/react-router";
import { useT } from "@/i18n";

export function NotFound() {
  const t = useT();
  return (
    <main className="grid h-full place-content-center gap-2 p-6 text-center">
      <h1 className="text-xl font-semibold">{t("common.not-found.title")}</h1>
      <p className="text-ink-2">{t("common.not-found.text")}</p>
      <Link to="/calls" className="mx-auto mt-2 inline-flex h-8 items-center rounded-md bg-accent px-3 font-medium text-accent-ink">
        {t("common.nav.calls")}
      </Link>
    </main>
  );
}
