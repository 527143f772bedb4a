import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { api, body } from "@/api";
import { Badge, Button, Card, EmptyState, ErrorState, IconButton, PhoneNumber, Skeleton, grouped, toast } from "@/design";
import { useT } from "@/i18n";
import { problemText } from "../calls/problem-text";

/** Callers that somebody blocked or made a VIP. */
export function MarksList() {
  const t = useT();
  const queries = useQueryClient();
  const list = useInfiniteQuery({
    queryKey: ["caller-marks"],
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) => body(api.GET("/api/v1/caller-marks", { params: { query: { limit: 100, ...(pageParam && { cursor: pageParam }) } }, signal })),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchOnMount: "always",
  });
  const remove = useMutation({
    mutationFn: (number: string) => body(api.DELETE("/api/v1/caller-marks/{number}", { params: { path: { number } } })),
    onSuccess: (_, number) => toast({ title: t("dialing.mark.done.none", { number: grouped(number) }), tone: "good" }),
    onError: (error) => toast({ title: t("dialing.mark.failed"), description: problemText(error), tone: "bad" }),
    onSettled: () => queries.invalidateQueries({ queryKey: ["caller-marks"] }),
  });
  const marks = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <p className="text-ink-2">{t("dialing.marks.about")}</p>
      {list.isError ? (
        <ErrorState error={list.error} onRetry={() => void list.refetch()} />
      ) : list.isPending ? (
        <Skeleton lines={5} />
      ) : marks.length === 0 ? (
        <Card>
          <EmptyState title={t("dialing.marks.none")} text={t("dialing.marks.about")} />
        </Card>
      ) : (
        <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
          {marks.map((one) => (
            <li key={one.number} className="flex items-center gap-3 px-4 py-1.5">
              <span className="min-w-0 flex-1">
                <PhoneNumber value={one.number} className="font-medium" />
                {one.reason && <span className="block text-sm break-words text-ink-2">{one.reason}</span>}
              </span>
              <Badge tone={one.mark === "vip" ? "accent" : "bad"}>{t(`dialing.mark.${one.mark}`)}</Badge>
              <IconButton label={t("dialing.mark.remove", { number: grouped(one.number) })} onClick={() => remove.mutate(one.number)}>
                <Trash2 size={16} aria-hidden />
              </IconButton>
            </li>
          ))}
        </ul>
      )}
      {list.hasNextPage && (
        <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t("dialing.more")}
        </Button>
      )}
    </>
  );
}
