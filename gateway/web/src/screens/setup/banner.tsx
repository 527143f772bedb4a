import { useQuery } from "@tanstack/react-query";
import { Link, useRouterState } from "@tanstack/react-router";
import { Sparkles } from "lucide-react";
import { useState } from "react";
import { useCan } from "@/api";
import { Banner } from "@/design";
import { useT } from "@/i18n";
import { setupQuery } from "./query";

const HIDDEN = "trunkline.setup-banner";

/** Above every screen of the demo tenant, for those who can set up a real one. */
export function SetupBanner() {
  const t = useT();
  const may = useCan("setup:run");
  const { data } = useQuery({ ...setupQuery, enabled: may });
  const path = useRouterState({ select: (state) => state.location.pathname });
  const [hidden, setHidden] = useState(() => sessionStorage.getItem(HIDDEN) !== null);
  if (!may || hidden || path.startsWith("/setup") || (!data?.demo && !data?.demo_present)) return null;
  return (
    <Banner
      tone="accent"
      icon={<Sparkles size={16} aria-hidden />}
      onDismiss={() => {
        sessionStorage.setItem(HIDDEN, "1");
        setHidden(true);
      }}
      action={
        <Link to="/setup" className="inline-flex h-7 items-center rounded-md border border-line-strong bg-surface px-2.5 text-sm font-medium text-ink hover:bg-sunken">
          {data.demo ? t("setup.banner.begin") : t("setup.banner.remove")}
        </Link>
      }
    >
      {data.demo ? t("setup.banner.demo") : t("setup.banner.left")}
    </Banner>
  );
}
