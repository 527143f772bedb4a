import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Star } from "lucide-react";
import { Badge, Button, Card, EmptyState, ErrorState, RelativeTime, Skeleton, type Tone } from "@/design";
import { useT } from "@/i18n";
import { useEvents } from "@/live";
import { useNames } from "../inbox/data";
import { answers } from "./api";

const QUERY = ["inbox", "csat"];
const tone = (score: number): Tone => (score >= 4 ? "live" : score === 3 ? "ring" : "bad");

/** What customers said afterwards. */
export function Answers() {
  const t = useT();
  const names = useNames();
  const queries = useQueryClient();
  useEvents(["csat.answered"], () => void queries.invalidateQueries({ queryKey: QUERY }));
  const list = useInfiniteQuery({ queryKey: QUERY, queryFn: ({ pageParam, signal }) => answers(pageParam, signal), initialPageParam: "", getNextPageParam: (page) => page.next_cursor ?? undefined, refetchOnMount: "always" });
  const items = (list.data?.pages ?? []).flatMap((page) => page.items);
  return (
    <section aria-label={t("inboxtools.tab.answers")} className="grid gap-3">
      <p className="text-md text-ink-2">{t("inboxtools.about.answers")}</p>
      {list.isError ? (
        <ErrorState error={list.error} onRetry={() => void list.refetch()} />
      ) : list.isPending ? (
        <div aria-busy="true">
          <Skeleton lines={5} />
        </div>
      ) : items.length === 0 ? (
        <Card>
          <EmptyState icon={<Star size={30} />} title={t("inboxtools.none.answers")} text={t("inboxtools.teach.answers")} />
        </Card>
      ) : (
        <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
          {items.map((one) => (
            <li key={one.id} className="grid gap-0.5 px-4 py-2.5">
              <div className="flex flex-wrap items-center gap-2">
                <Badge tone={tone(one.score)}>{t("inboxtools.score", { n: one.score })}</Badge>
                {one.agent_id && <span className="text-md">{names.agent(one.agent_id) ?? t("inboxtools.unknown")}</span>}
                <span className="text-sm text-ink-3">
                  <RelativeTime at={one.answered_at} />
                </span>
                <Link to="/inbox" search={{ c: one.conversation_id } as never} className="ms-auto text-md text-accent hover:underline">
                  {t("inboxtools.conversation")}
                </Link>
              </div>
              {one.comment && <p className="text-md break-words whitespace-pre-line text-ink-2">{one.comment}</p>}
            </li>
          ))}
        </ul>
      )}
      {list.hasNextPage && (
        <div>
          <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            {t("inboxtools.show-more")}
          </Button>
        </div>
      )}
    </section>
  );
}
