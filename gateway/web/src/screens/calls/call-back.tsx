import { PhoneOutgoing } from "lucide-react";
import type { MouseEvent } from "react";
import { useCan } from "@/api";
import { Button, IconButton, PhoneNumber } from "@/design";
import { useT } from "@/i18n";
import { canDial } from "./call-words";

function useDial(number: string): ((event: MouseEvent) => void) | undefined {
  const may = useCan("calls:dial");
  if (!may || !canDial(number)) return undefined;
  return (event) => {
    // The row beneath would open its call.
    event.stopPropagation();
    event.preventDefault();
    void import("./call-number").then(({ callNumber }) => callNumber(number));
  };
}

/** Calls the other side's number. */
export function CallBack({ number, label }: { number: string; label?: boolean }) {
  const t = useT();
  const dial = useDial(number);
  if (!dial) return null;
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

/** A number that is called by a click on it; a number like any other for who may not call. */
export function CallLink({ number }: { number: string }) {
  const t = useT();
  const dial = useDial(number);
  if (!dial) return <PhoneNumber value={number} />;
  return (
    <button type="button" title={t("calls.dial.number", { number })} onClick={dial} className="cursor-pointer rounded text-start underline decoration-line decoration-dotted underline-offset-4 hover:decoration-ink">
      <PhoneNumber value={number} />
    </button>
  );
}
