import { Link } from "@tanstack/react-router";
import { PhoneCall } from "lucide-react";
import { type ReactNode, useEffect } from "react";
import { useT } from "@/i18n";

/** Around what a letter's link leads to. */
export function Frame({ title, text, children }: { title: string; text?: ReactNode; children: ReactNode }) {
  const t = useT();
  useEffect(() => {
    document.title = `${title} · ${t("common.product")}`;
  }, [t, title]);
  return (
    <main className="grid h-full place-items-center overflow-auto bg-bg p-4">
      <div className="w-full max-w-sm">
        <div className="mb-6 flex items-center gap-3">
          <span aria-hidden className="grid size-11 place-items-center rounded-lg bg-accent text-accent-ink">
            <PhoneCall size={22} />
          </span>
          <div>
            <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
            {text && <p className="text-md text-ink-2">{text}</p>}
          </div>
        </div>
        <div className="grid gap-4 rounded-lg border border-line bg-surface p-5 shadow-card">{children}</div>
        <p className="mt-4 text-center">
          <Link to="/sign-in" className="text-md text-accent underline">
            {t("account.back")}
          </Link>
        </p>
      </div>
    </main>
  );
}

/** What the link carries. It stays out of the history and of what the page is asked for. */
export function linkToken(): string {
  return location.hash.slice(1);
}
