import { FlaskConical } from "lucide-react";
import { useState } from "react";
import { useCan } from "@/api";
import { useCommand } from "@/app/commands";
import { onceOpened } from "@/app/once-opened";
import { Button } from "@/design";
import { useT } from "@/i18n";
import { useQueues } from "@/live";

const TestCallDialog = onceOpened(async () => (await import("./dialog")).TestCallDialog);

/** "Place a test call". Nothing where the right is missing, or no number leads to any queue. */
export function TestCallButton({ variant = "secondary" }: { variant?: "primary" | "secondary" }) {
  const t = useT();
  const may = useCan("calls:test");
  const possible = useQueues().some((queue) => queue.numbers.length > 0);
  const [open, setOpen] = useState(false);
  const shown = may && possible;
  useCommand({ id: "test-call", title: t("setup.test.place"), run: () => setOpen(true), when: shown });
  if (!shown) return null;
  return (
    <>
      <Button variant={variant} icon={<FlaskConical size={15} aria-hidden />} onClick={() => setOpen(true)}>
        {t("setup.test.place")}
      </Button>
      <TestCallDialog open={open} onOpenChange={setOpen} />
    </>
  );
}
