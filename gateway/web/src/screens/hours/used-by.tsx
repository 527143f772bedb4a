import { Link } from "@tanstack/react-router";
import { PhoneNumber } from "@/design";
import { useT } from "@/i18n";
import { useQueues } from "@/live";
import type { Named, UsedBy as Users } from "./model";
import { nameOf } from "./words";

/** Which numbers, queues and flows go by it. */
export function UsedBy({ users }: { users: Users }) {
  const t = useT();
  const known = useQueues();
  const queueName = (one: Named) => known.find((queue) => queue.id === (typeof one === "string" ? one : one.id))?.name ?? nameOf(one);
  const { numbers, queues, flows } = users;
  if (numbers.length + queues.length + flows.length === 0) return <p className="text-sm text-ink-3">{t("hours.used.nobody")}</p>;
  return (
    <p className="flex flex-wrap gap-x-3 gap-y-0.5 text-sm text-ink-2">
      <span className="text-ink-3">{t("hours.used.by")}</span>
      {numbers.map((one) => (
        <Link key={one} to="/settings/numbers" search={{ number: one } as never} className="hover:underline">
          <PhoneNumber value={one} />
        </Link>
      ))}
      {queues.map((one) => (
        <span key={typeof one === "string" ? one : one.id}>{t("hours.used.queue", { name: queueName(one) })}</span>
      ))}
      {flows.map((one) => (
        <span key={typeof one === "string" ? one : one.id}>{t("hours.used.flow", { name: nameOf(one) })}</span>
      ))}
    </p>
  );
}

/** Nothing goes by it: it can be removed. */
export const unused = ({ numbers, queues, flows }: Users): boolean => numbers.length + queues.length + flows.length === 0;
