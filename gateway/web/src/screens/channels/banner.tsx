import { Link } from "@tanstack/react-router";
import { Unplug } from "lucide-react";
import { useState } from "react";
import { Banner } from "@/design";
import { useT } from "@/i18n";
import { useAccounts, useHealthTold } from "./data";
import { stoppedOf } from "./words";

/** Above every screen of those who can mend it, for as long as an account has stopped. */
export function ChannelBanners() {
  const t = useT();
  useHealthTold();
  const { data } = useAccounts();
  const [hidden, setHidden] = useState<readonly string[]>([]);
  return stoppedOf(data?.items ?? []).flatMap(({ key, id, name, detail }) =>
    hidden.includes(key) ? (
      []
    ) : (
      <Banner
        key={key}
        tone="ring"
        icon={<Unplug size={16} aria-hidden />}
        onDismiss={() => setHidden((all) => [...all, key])}
        action={
          <Link to="/settings/channels" search={{ account: id } as never} className="inline-flex h-7 items-center rounded-md border border-line-strong bg-surface px-2.5 text-sm font-medium text-ink hover:bg-sunken">
            {t("channels.banner.look")}
          </Link>
        }
      >
        <div role="note" data-channel-stopped={id} className="[overflow-wrap:anywhere]">
          {t("channels.banner.stopped", { name })}
          {detail && (
            <details className="inline-block ps-2 text-sm text-ink-2">
              <summary className="cursor-pointer underline underline-offset-2">{t("channels.banner.details")}</summary>
              <bdi>{detail}</bdi>
            </details>
          )}
        </div>
      </Banner>
    ),
  );
}
