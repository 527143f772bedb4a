import { Siren } from "lucide-react";
import { useState } from "react";
import { Banner, Button, ConfirmDialog, Field, Input, PhoneNumber } from "@/design";
import { useT } from "@/i18n";
import { useNumbers } from "../numbers/data";
import type { Schedule } from "./model";
import { allClosed, useEmergency } from "./override";

/** Everything closed in one go: asked once, and taken back just as quickly. */
export function CloseEverything({ schedules }: { schedules: readonly Schedule[] }) {
  const t = useT();
  const [asking, setAsking] = useState(false);
  const [note, setNote] = useState("");
  const { close } = useEmergency();
  const always = (useNumbers().data ?? []).filter((one) => one.schedule_id === null);
  if (schedules.length === 0 || allClosed(schedules)) return null;
  return (
    <>
      <Button variant="danger" icon={<Siren size={15} aria-hidden />} onClick={() => setAsking(true)}>
        {t("hours.all.close")}
      </Button>
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title={t("hours.all.title")}
        confirm={t("hours.all.confirm")}
        description={
          <div className="grid gap-3">
            <p>{t("hours.all.about", { n: schedules.length })}</p>
            {always.length > 0 && (
              <p className="text-ring">
                {t("hours.all.always", { n: always.length })}{" "}
                {always.slice(0, 5).map((one, at) => (
                  <span key={one.number}>
                    {at > 0 && ", "}
                    <PhoneNumber value={one.number} />
                  </span>
                ))}
                {always.length > 5 && " …"}
              </p>
            )}
            <Field label={t("hours.override.note")} hint={t("hours.override.note-hint")}>
              <Input maxLength={200} value={note} onChange={(event) => setNote(event.target.value)} />
            </Field>
          </div>
        }
        onConfirm={async () => {
          await close.mutateAsync({ note, before: schedules }).catch(() => undefined);
          setNote("");
        }}
      />
    </>
  );
}

export function EverythingClosed({ schedules, mayManage }: { schedules: readonly Schedule[]; mayManage: boolean }) {
  const t = useT();
  const { open } = useEmergency();
  if (!allClosed(schedules)) return null;
  return (
    <Banner
      tone="bad"
      icon={<Siren size={16} aria-hidden />}
      action={
        mayManage && (
          <Button size="sm" variant="primary" busy={open.isPending} onClick={() => open.mutate()}>
            {t("hours.all.open")}
          </Button>
        )
      }
    >
      <div role="status" data-everything="closed">
        {t("hours.all.banner")}
      </div>
    </Banner>
  );
}
