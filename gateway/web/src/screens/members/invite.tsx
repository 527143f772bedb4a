import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Problem, api, body } from "@/api";
import { Button, Checkbox, Dialog, Field, Input, Select, toast } from "@/design";
import { useT } from "@/i18n";
import { accountProblem } from "../account/problem";
import { CopyButton } from "../devices/add-device";
import { chosenRole, useRoleChoices } from "./role-choice";

/** Invites somebody; without a mail server the link is shown, once. */
export function Invite({ onClose }: { onClose: () => void }) {
  const t = useT();
  const queries = useQueryClient();
  const [email, setEmail] = useState("");
  const [role, setRole] = useState("operator");
  const roles = useRoleChoices();
  const [works, setWorks] = useState(true);
  const invite = useMutation({
    mutationFn: () => body(api.POST("/api/v1/invitations", { body: { email: email.trim(), ...chosenRole(role), takes_work: works } })),
    onSuccess: (made) => {
      void queries.invalidateQueries({ queryKey: ["invitations"] });
      if (!made.mailed) return;
      toast({ title: t("account.members.invited", { email: made.email }), tone: "good" });
      onClose();
    },
  });
  const link = invite.data?.link;
  const wrong = invite.error instanceof Problem ? (invite.error.fields.email ?? accountProblem(invite.error)) : undefined;
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={t(link ? "account.members.link-title" : "account.members.invite-title")} {...(link ? { description: t("account.members.link") } : {})}>
      {link ? (
        <p className="flex items-center gap-2">
          <code className="min-w-0 flex-1 font-mono text-sm break-all">{link}</code>
          <CopyButton text={link} label={t("common.copy")} />
        </p>
      ) : (
        <form
          noValidate
          className="grid gap-3"
          onSubmit={(event) => {
            event.preventDefault();
            if (email.includes("@") && !invite.isPending) invite.mutate();
          }}
        >
          <Field label={t("people.sign-in.email")} error={wrong}>
            <Input type="email" value={email} onChange={(event) => setEmail(event.target.value)} />
          </Field>
          <Field label={t("account.members.role")}>
            <Select
              value={role}
              onValueChange={(next) => {
                setRole(next);
                setWorks(next === "operator");
              }}
              options={roles}
            />
          </Field>
          <Checkbox checked={works} onCheckedChange={setWorks} label={t("account.members.works")} />
          <div>
            <Button type="submit" variant="primary" busy={invite.isPending} disabled={!email.includes("@")}>
              {t("account.members.invite")}
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
