import { useCan, useMe } from "@/api";
import { Avatar, Badge, Button, RelativeTime, Select } from "@/design";
import { useT } from "@/i18n";
import type { Act, Member, Serious } from ".";
import { choiceOf, useRoleChoices } from "./role-choice";

/** A member, and what an admin may do with them. */
export function Row({ member, manage, onAct, onSerious }: { member: Member; manage: boolean; onAct: (what: Act) => void; onSerious: (what: Serious) => void }) {
  const t = useT();
  const mayRoles = useCan("roles:manage");
  const myself = useMe()?.user.id === member.id;
  const disabled = member.disabled_at != null;
  const roles = useRoleChoices(member);
  return (
    <li className="flex flex-wrap items-center gap-3 px-4 py-2.5">
      <Avatar name={member.name} />
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-center gap-2 text-md font-medium">
          {member.name}
          {disabled && <Badge tone="bad">{t("account.members.disabled")}</Badge>}
          {member.second_step && <Badge tone="live">{t("account.members.second-step")}</Badge>}
        </p>
        <p className="text-sm break-words text-ink-3">
          {member.email} ·{" "}
          {member.last_seen_at ? (
            <>
              {t("account.members.seen")} <RelativeTime at={member.last_seen_at} />
            </>
          ) : (
            t("account.members.never")
          )}
        </p>
      </div>
      {mayRoles && !myself ? (
        <Select className="w-44 max-sm:w-full" aria-label={`${t("account.members.role")}: ${member.name}`} value={choiceOf(member)} onValueChange={(role) => onAct({ role })} options={roles} />
      ) : (
        <span className="text-md text-ink-2">{member.role_name ?? t(`setup.role.${member.role}`)}</span>
      )}
      {manage && !myself && (
        <div className="flex flex-wrap gap-2">
          {disabled ? (
            <Button size="sm" onClick={() => onAct("reactivate")}>
              {t("account.members.reactivate")}
            </Button>
          ) : (
            <>
              <Button size="sm" onClick={() => onAct("sign-out")}>
                {t("account.members.sign-out")}
              </Button>
              {member.second_step && (
                <Button size="sm" onClick={() => onSerious("reset-codes")}>
                  {t("account.members.reset-codes")}
                </Button>
              )}
              <Button size="sm" variant="danger" onClick={() => onSerious("deactivate")}>
                {t("account.members.deactivate")}
              </Button>
            </>
          )}
        </div>
      )}
    </li>
  );
}
