import { useT } from "@/i18n";

export function NotFound() {
  const t = useT();
  return (
    <main className="grid h-full place-content-center gap-2 p-6 text-center">
      <h1 className="text-xl font-semibold">{t("common.not-found.title")}</h1>
      <p className="text-ink-2">{t("common.not-found.text")}</p>
    </main>
  );
}
