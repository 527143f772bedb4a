import { useMutation } from "@tanstack/react-query";
import { ChevronDown, FlaskConical } from "lucide-react";
import { Problem, api, body, useCan } from "@/api";
import { Button, Menu, toast } from "@/design";
import { t, useT } from "@/i18n";
import { useQueues } from "@/live";
import { problemText } from "./problem-text";

function whyNot(error: unknown): string {
  const code = error instanceof Problem ? error.code : undefined;
  if (code === "too-many-test-calls") return t("calls.test.too-many");
  if (code === "queue-without-number") return t("calls.test.no-number");
  return problemText(error);
}

/** "Place a test call": a simulated customer calls a queue. Nothing where the right or a number is missing. */
export function TestCallButton({ variant = "secondary" }: { variant?: "primary" | "secondary" }) {
  const t = useT();
  const may = useCan("calls:test");
  const queues = useQueues().filter((queue) => queue.numbers.length > 0);
  const call = useMutation({
    mutationFn: (queue_id: string) => body(api.POST("/api/v1/test-calls", { body: { queue_id } })),
    onSuccess: () => toast({ title: t("calls.test.placed"), description: t("calls.test.placed-text"), tone: "good" }),
    onError: (error) => toast({ title: t("calls.test.failed"), description: whyNot(error), tone: "bad" }),
  });
  const [first, ...others] = queues;
  if (!may || !first) return null;
  const icon = <FlaskConical size={15} aria-hidden />;
  if (others.length === 0) {
    return (
      <Button variant={variant} icon={icon} busy={call.isPending} onClick={() => call.mutate(first.id)}>
        {t("calls.test.place")}
      </Button>
    );
  }
  return (
    <Menu
      label={t("calls.test.which")}
      trigger={
        <Button variant={variant} icon={icon} busy={call.isPending}>
          {t("calls.test.place")}
          <ChevronDown size={14} aria-hidden />
        </Button>
      }
      items={queues.map((queue) => ({ label: queue.name, onSelect: () => call.mutate(queue.id) }))}
    />
  );
}
