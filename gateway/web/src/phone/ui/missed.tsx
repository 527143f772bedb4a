import { Phone, PhoneMissed } from "lucide-react";
import { useState } from "react";
import { Button, IconButton, PhoneNumber, Popover, RelativeTime } from "@/design";
import { useT } from "@/i18n";
import { usePhone, usePhoneActions } from "./core";
import { attempt } from "./problems";

/** Who called in vain, until it is cleared; each can be called back from here. */
export function Missed({ usable }: { usable: boolean }) {
  const t = useT();
  const { missed } = usePhone();
  const phone = usePhoneActions();
  const [open, setOpen] = useState(false);
  const callBack = async (peer: string) => {
    if (await attempt(phone.dial(peer))) setOpen(false);
  };
  return (
    <Popover
      label={t("phone.missed.title")}
      align="start"
      className="w-[min(21rem,calc(100vw-1rem))]"
      open={open}
      onOpenChange={setOpen}
      trigger={
        <Button icon={<PhoneMissed size={15} aria-hidden className="text-bad" />}>
          <span className="num max-sm:sr-only">{t("phone.missed.count", { n: missed.length })}</span>
          <span aria-hidden className="num sm:hidden">
            {missed.length}
          </span>
        </Button>
      }
    >
      <div className="mb-2 flex items-center justify-between gap-2">
        <p className="font-medium">{t("phone.missed.title")}</p>
        <Button size="sm" variant="ghost" onClick={() => phone.clearMissed()}>
          {t("phone.missed.clear")}
        </Button>
      </div>
      <ul className="grid max-h-72 gap-1 overflow-auto">
        {missed.map((one) => (
          <li key={one.id} className="flex items-center gap-2 rounded-md px-1 py-1 hover:bg-sunken">
            <div className="min-w-0 flex-1">
              <p className="truncate text-md">
                <bdi>{one.peerName ?? <PhoneNumber value={one.peer} />}</bdi>
              </p>
              <p className="truncate text-sm text-ink-3">
                {one.queue ? `${one.queue} · ` : ""}
                <RelativeTime at={new Date(one.at).toISOString()} />
              </p>
            </div>
            <IconButton label={t("phone.missed.call-back", { peer: one.peerName ?? one.peer })} disabled={!usable} onClick={() => void callBack(one.peer)}>
              <Phone size={15} aria-hidden />
            </IconButton>
          </li>
        ))}
      </ul>
    </Popover>
  );
}
