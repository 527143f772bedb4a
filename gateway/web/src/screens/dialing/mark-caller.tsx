import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Ban, Star } from "lucide-react";
import { type components, api, body, useCan } from "@/api";
import { Button, grouped, toast } from "@/design";
import { useT } from "@/i18n";
import { problemText } from "../calls/problem-text";

type Mark = components["schemas"]["Mark"];

/** Blocks a caller, or makes them a VIP, in one click; another takes it back. */
export function MarkCaller({ number }: { number: string }) {
  const t = useT();
  const queries = useQueryClient();
  // An extension or a hidden number is nobody to mark.
  const may = useCan("callers:mark") && /^\+\d{7,15}$/.test(number);
  const key = ["caller-mark", number];
  const known = useQuery({ queryKey: key, enabled: may, queryFn: ({ signal }) => body(api.GET("/api/v1/caller-marks", { params: { query: { number } }, signal })) });
  const change = useMutation({
    mutationFn: async (mark: Mark | undefined) => {
      if (mark) await body(api.PUT("/api/v1/caller-marks/{number}", { params: { path: { number } }, body: { mark } }));
      else await body(api.DELETE("/api/v1/caller-marks/{number}", { params: { path: { number } } }));
      return mark;
    },
    onSuccess: (mark) => toast({ title: t(`dialing.mark.done.${mark ?? "none"}`, { number: grouped(number) }), tone: "good" }),
    onError: (error) => toast({ title: t("dialing.mark.failed"), description: problemText(error), tone: "bad" }),
    onSettled: () => Promise.all([queries.invalidateQueries({ queryKey: key }), queries.invalidateQueries({ queryKey: ["caller-marks"] })]),
  });
  if (!may || !known.data) return null;
  const mark = known.data.items[0]?.mark;
  return (
    <span role="group" aria-label={t("dialing.mark.of", { number: grouped(number) })} className="flex flex-wrap gap-2">
      <Button icon={<Star size={15} aria-hidden fill={mark === "vip" ? "currentColor" : "none"} />} aria-pressed={mark === "vip"} busy={change.isPending && change.variables !== "blocked"} onClick={() => change.mutate(mark === "vip" ? undefined : "vip")}>
        {t(mark === "vip" ? "dialing.mark.no-vip" : "dialing.mark.make-vip")}
      </Button>
      <Button icon={<Ban size={15} aria-hidden />} aria-pressed={mark === "blocked"} busy={change.isPending && change.variables === "blocked"} onClick={() => change.mutate(mark === "blocked" ? undefined : "blocked")}>
        {t(mark === "blocked" ? "dialing.mark.unblock" : "dialing.mark.block")}
      </Button>
    </span>
  );
}
