import { PhoneOutgoing } from "lucide-react";
import type { MouseEvent } from "react";
import { useCan } from "@/api";
import { Button, IconButton } from "@/design";
import { useT } from "@/i18n";
import { attempt, phone } from "@/phone";
import { canDial } from "./call-words";

/** Dials the other side's number on this browser's phone. */
export function CallBack({ number, label }: { number: string; label?: boolean }) {
  const t = useT();
  const may = useCan("softphone:self");
  if (!may || !canDial(number)) return null;
  const dial = (event: MouseEvent) => {
    // The row beneath would open its call.
    event.stopPropagation();
    event.preventDefault();
    void attempt(phone.dial(number));
  };
  if (label) {
    return (
      <Button icon={<PhoneOutgoing size={15} aria-hidden />} onClick={dial}>
        {t("calls.dial.back")}
      </Button>
    );
  }
  return (
    <IconButton label={t("calls.dial.number", { number })} size="sm" variant="ghost" onClick={dial}>
      <PhoneOutgoing size={15} aria-hidden />
    </IconButton>
  );
}
