import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { useState } from "react";
import { Problem, api, body, signOut } from "@/api";
import { Button, Card, ConfirmDialog, toast } from "@/design";
import { t, useT } from "@/i18n";
import { problemText } from "../calls/problem-text";
import { setupQuery } from "./query";

interface Props {
  /** Signed in to the demo itself: its removal is a sign-out. */
  inside: boolean;
  removing: boolean;
  /** Whether there is a company of one's own: the last one cannot be removed. */
  own: boolean;
}

/** What stands against it, and what to do. */
function whyKept(error: unknown): string {
  const code = error instanceof Problem ? error.code : undefined;
  if (code === "only-tenant") return t("wizard.demo.later");
  if (code === "calls-running") return t("wizard.demo.calls-running");
  return problemText(error);
}

export function Demo({ inside, removing, own }: Props) {
  const t = useT();
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const remove = useMutation({
    mutationFn: () => body(api.DELETE("/api/v1/setup/demo")),
    onSuccess: (underway) => {
      // With a body it is 202: it goes on after the answer.
      toast(underway ? { title: t("wizard.demo.removing"), description: t("wizard.demo.goes-on") } : { title: t("wizard.demo.removed"), tone: "good" });
      if (inside) void signOut().catch(() => undefined);
      else void queries.invalidateQueries({ queryKey: setupQuery.queryKey });
    },
    onError: (error) => toast({ title: t("wizard.demo.kept"), description: whyKept(error), tone: "bad", duration: 12_000 }),
  });
  return (
    <Card className="flex flex-wrap items-center gap-x-4 gap-y-2">
      <div className="min-w-60 flex-1">
        <h2 className="text-lg font-semibold">{t("wizard.demo.title")}</h2>
        <p className="text-md text-ink-2">{own ? t("wizard.demo.text") : t("wizard.demo.later")}</p>
      </div>
      <Button variant="danger" icon={<Trash2 size={15} aria-hidden />} busy={remove.isPending || removing} disabled={!own} onClick={() => setAsking(true)}>
        {removing ? t("wizard.demo.removing") : t("wizard.demo.remove")}
      </Button>
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title={t("wizard.demo.remove")}
        description={inside ? t("wizard.demo.confirm-inside") : t("wizard.demo.confirm")}
        confirm={t("wizard.demo.remove")}
        onConfirm={async () => {
          await remove.mutateAsync().catch(() => undefined);
        }}
      />
    </Card>
  );
}
