import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { api, body, lost, useMe } from "@/api";
import { Badge, Button, Card, ConfirmDialog, ErrorState, PageHeader, RelativeTime, Skeleton, toast } from "@/design";
import { useT } from "@/i18n";
import { accountProblem } from "../account/problem";
import { SecondStep } from "./second-step";

/** One's account: the address, one-time codes, where one is signed in, and one's companies. */
export default function Security() {
  const t = useT();
  return (
    <div className="flex min-h-full flex-col">
      <PageHeader title={t("common.nav.security")} />
      <div className="grid w-full max-w-3xl gap-5 p-5 max-sm:p-3">
        <Section title={t("account.verify.title")}>
          <Address />
        </Section>
        <Section title={t("account.totp.title")}>
          <SecondStep />
        </Section>
        <Section title={t("account.sessions.title")}>
          <Sessions />
        </Section>
      </div>
    </div>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Card>
      <h2 className="mb-3 text-lg font-semibold">{title}</h2>
      {children}
    </Card>
  );
}

function Address() {
  const t = useT();
  const me = useMe();
  const ask = useMutation({
    mutationFn: () => api.POST("/api/v1/me/email/verification"),
    onSuccess: () => toast({ title: t("account.verify.sent"), tone: "good" }),
    onError: (error) => toast({ title: t("account.failed"), description: accountProblem(error), tone: "bad" }),
  });
  if (!me) return <Skeleton lines={1} />;
  const { email, email_verified: verified } = me.user;
  return (
    <div className="flex flex-wrap items-center gap-3">
      <p className="min-w-60 flex-1 text-md text-ink-2">{verified ? t("account.verify.yes", { email }) : t("account.verify.no", { email })}</p>
      {!verified && (
        <Button busy={ask.isPending} onClick={() => ask.mutate()}>
          {t("account.verify.ask")}
        </Button>
      )}
    </div>
  );
}

function Sessions() {
  const t = useT();
  const queries = useQueryClient();
  const [all, setAll] = useState(false);
  const list = useQuery({ queryKey: ["my-sessions"], queryFn: ({ signal }) => body(api.GET("/api/v1/me/sessions", { signal })) });
  const end = useMutation({
    mutationFn: (id: string) => api.DELETE("/api/v1/me/sessions/{id}", { params: { path: { id } } }),
    onSuccess: () => toast({ title: t("account.sessions.ended"), tone: "good" }),
    onError: (error) => toast({ title: t("account.failed"), description: accountProblem(error), tone: "bad" }),
    onSettled: () => queries.invalidateQueries({ queryKey: ["my-sessions"] }),
  });
  if (list.isPending) return <Skeleton lines={3} />;
  if (list.isError) return <ErrorState error={list.error} onRetry={() => void list.refetch()} />;
  return (
    <div className="grid gap-3">
      <ul className="divide-y divide-line">
        {list.data.items.map((one) => (
          <li key={one.id} className="flex flex-wrap items-center gap-3 py-2">
            <div className="min-w-0 flex-1">
              <p className="text-md font-medium break-words">
                {one.user_agent ?? t("account.sessions.unknown")} {one.present && <Badge tone="live">{t("account.sessions.this")}</Badge>}
              </p>
              <p className="text-sm text-ink-3">
                {one.tenant_name} · {one.address ?? ""} · {t("account.sessions.used")} <RelativeTime at={one.last_used_at} />
              </p>
            </div>
            {!one.present && (
              <Button size="sm" busy={end.isPending && end.variables === one.id} onClick={() => end.mutate(one.id)}>
                {t("account.sessions.end")}
              </Button>
            )}
          </li>
        ))}
      </ul>
      <div>
        <Button variant="danger" onClick={() => setAll(true)}>
          {t("account.sessions.all")}
        </Button>
      </div>
      <ConfirmDialog
        open={all}
        onOpenChange={setAll}
        title={t("account.sessions.all")}
        description={t("account.sessions.all-text")}
        confirm={t("account.sessions.all")}
        onConfirm={async () => {
          await api.DELETE("/api/v1/me/sessions");
          lost();
        }}
      />
    </div>
  );
}

