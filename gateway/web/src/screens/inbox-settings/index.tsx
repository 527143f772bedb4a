import { useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCan } from "@/api";
import { PageHeader, Tabs } from "@/design";
import { useT } from "@/i18n";
import { useEvents } from "@/live";
import { Answers } from "./answers";
import { Canned } from "./canned";
import { Labels } from "./labels";
import { Macros } from "./macros";
import { Sla } from "./sla";
import { Views } from "./views";

const PARTS = { labels: Labels, canned: Canned, macros: Macros, sla: Sla, views: Views, answers: Answers };
type Part = keyof typeof PARTS;

/** What makes the inbox quick, and what customers said of it. */
export default function InboxSettings() {
  const t = useT();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const search: Record<string, unknown> = useSearch({ strict: false });
  const mayReport = useCan("reports:read");
  useEvents(["inbox_tools.changed"], () => void queries.invalidateQueries({ queryKey: ["inbox"] }));
  const parts = (Object.keys(PARTS) as Part[]).filter((one) => one !== "answers" || mayReport);
  const part = parts.find((one) => one === search.tab) ?? "labels";
  const Shown = PARTS[part];
  return (
    <div className="flex min-h-full flex-col">
      <PageHeader title={t("common.nav.inbox-settings")} description={t("inboxtools.about")} />
      <Tabs
        className="px-5 pt-2 max-sm:px-3"
        value={part}
        onValueChange={(tab) => void navigate({ to: "/settings/inbox", search: (tab === "labels" ? {} : { tab }) as never, replace: true })}
        tabs={parts.map((one) => ({ value: one, label: t(`inboxtools.tab.${one}`) }))}
      >
        <div className="w-full max-w-4xl py-4">
          <Shown />
        </div>
      </Tabs>
    </div>
  );
}
