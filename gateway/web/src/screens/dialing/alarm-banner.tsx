import { Link } from "@tanstack/react-router";
import { ShieldAlert } from "lucide-react";
import { Banner } from "@/design";
import { useT } from "@/i18n";

/** Above every screen of those who may know: calls out are being denied in a way that looks like toll fraud, or a limit is reached. */
export function AlarmBanner({ words, onDismiss }: { words: string; onDismiss: () => void }) {
  const t = useT();
  return (
    <Banner
      tone="bad"
      icon={<ShieldAlert size={16} aria-hidden />}
      onDismiss={onDismiss}
      action={
        <Link to="/settings/dialing" className="inline-flex h-7 items-center rounded-md border border-line-strong bg-surface px-2.5 text-sm font-medium text-ink hover:bg-sunken">
          {t("dialing.title")}
        </Link>
      }
    >
      {t("dialing.alarm", { words })}
    </Banner>
  );
}
