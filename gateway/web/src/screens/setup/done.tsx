import { Download } from "lucide-react";
import { useEffect, useState } from "react";
import { signOut } from "@/api";
import { Banner, Button, Card, PhoneNumber } from "@/design";
import { useT } from "@/i18n";
import { CopyButton } from "../devices/add-device";
import type { Result } from ".";

/** What exists now, and the passwords, which are shown this once. */
export function Done({ result }: { result: Result }) {
  const t = useT();
  const invited = result.users.filter((user) => user.one_time_password);
  const [saved, setSaved] = useState(invited.length === 0);
  useEffect(() => {
    if (saved) return;
    const stay = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", stay);
    return () => removeEventListener("beforeunload", stay);
  }, [saved]);
  const save = () => {
    const lines = invited.map((user) => [user.name, user.email, user.one_time_password ?? ""].map((cell) => `"${cell.replaceAll('"', '""')}"`).join(","));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`name,email,password\n${lines.join("\n")}\n`], { type: "text/csv" }));
    link.download = `${result.tenant.slug}-users.csv`;
    link.click();
    URL.revokeObjectURL(link.href);
    setSaved(true);
  };
  return (
    <Card className="grid gap-4">
      <h2 className="text-lg font-semibold">{t("wizard.done.title", { name: result.tenant.name })}</h2>
      <p className="text-md text-ink-2">
        {t("wizard.done.queue", { queue: result.queue.name, extension: result.queue.extension })} {result.queue.number && <PhoneNumber value={result.queue.number} />}
      </p>
      {invited.length > 0 && (
        <>
          <Banner
            tone="ring"
            className="rounded-md"
            action={
              <>
                <CopyButton text={invited.map((user) => `${user.email} ${user.one_time_password ?? ""}`).join("\n")} label={t("wizard.done.copy")} onCopied={() => setSaved(true)} />
                <Button size="sm" icon={<Download size={14} aria-hidden />} onClick={save}>
                  {t("wizard.done.save")}
                </Button>
              </>
            }
          >
            {t("wizard.done.once")}
          </Banner>
          <ul className="divide-y divide-line rounded-md border border-line">
            {invited.map((user) => (
              <li key={user.id} className="flex flex-wrap items-center gap-x-4 gap-y-1 px-3 py-2 text-md">
                <span className="min-w-40 flex-1">
                  {user.name} <span className="text-ink-3">{user.email}</span>
                </span>
                <code className="font-mono">{user.one_time_password}</code>
                <CopyButton text={user.one_time_password ?? ""} label={`${t("common.copy")}: ${user.name}`} />
              </li>
            ))}
          </ul>
        </>
      )}
      <ol className="ms-5 list-decimal text-md text-ink-2">
        <li>{t("wizard.done.next-sign-in")}</li>
        <li>{t("wizard.done.next-demo")}</li>
        <li>{t("wizard.done.next-phone")}</li>
        <li>{t("wizard.done.next-call")}</li>
      </ol>
      <div>
        <Button variant="primary" onClick={() => void signOut().catch(() => undefined)}>
          {t("wizard.done.sign-in")}
        </Button>
      </div>
    </Card>
  );
}
