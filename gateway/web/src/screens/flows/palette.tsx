import { Plus } from "lucide-react";
import { type ReactElement, useState } from "react";
import { Button, Popover, SOFT, cx } from "@/design";
import { useT } from "@/i18n";
import { DRAGGED } from "./canvas";
import { TypeIcon, toneOf } from "./icons";
import { PALETTE, type Type } from "./model";
import { typeName } from "./words";

type Group = keyof typeof PALETTE;
const GROUPS = Object.keys(PALETTE) as Group[];

/** All kinds of steps beside the drawing: a click adds one, a drag puts it where it is let go. */
export function PaletteColumn({ onAdd }: { onAdd: (type: Type) => void }) {
  const t = useT();
  return (
    <nav aria-label={t("flows.palette")} className="overflow-y-auto border-e border-line bg-surface p-2">
      {GROUPS.map((group) => (
        <section key={group} aria-label={t(`flows.group.${group}`)} className="mb-3">
          <h2 className="px-1.5 pb-1 text-xs font-semibold text-ink-3">{t(`flows.group.${group}`)}</h2>
          <ul className="grid gap-0.5">
            {PALETTE[group].map((type) => (
              <li key={type}>
                <button
                  type="button"
                  draggable
                  title={t(`flows.about.${type}`)}
                  onDragStart={(event) => {
                    event.dataTransfer.setData(DRAGGED, type);
                    event.dataTransfer.effectAllowed = "copy";
                  }}
                  onClick={() => onAdd(type)}
                  className="flex min-h-8 w-full items-center gap-2 rounded-md px-1.5 text-start text-md hover:bg-sunken"
                >
                  <span className={cx("grid size-6 shrink-0 place-items-center rounded-sm", SOFT[toneOf(type)])}>
                    <TypeIcon type={type} size={14} />
                  </span>
                  <span className="min-w-0 leading-tight">{typeName(type)}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </nav>
  );
}

/** The same behind a button, with what each is for. */
export function PalettePopover({ onAdd, trigger, label }: { onAdd: (type: Type) => void; trigger?: ReactElement; label?: string }) {
  const t = useT();
  const [open, setOpen] = useState(false);
  return (
    <Popover
      open={open}
      onOpenChange={setOpen}
      align="start"
      label={label ?? t("flows.palette")}
      className="max-h-[min(70vh,34rem)] w-[min(22rem,calc(100vw-24px))] overflow-y-auto"
      trigger={
        trigger ?? (
          <Button size="sm" icon={<Plus size={14} aria-hidden />}>
            {t("flows.palette")}
          </Button>
        )
      }
    >
      {GROUPS.map((group) => (
        <section key={group} aria-label={t(`flows.group.${group}`)} className="mb-2">
          <h3 className="px-1.5 pb-1 text-xs font-semibold text-ink-3">{t(`flows.group.${group}`)}</h3>
          <ul>
            {PALETTE[group].map((type) => (
              <li key={type}>
                <button
                  type="button"
                  onClick={() => {
                    setOpen(false);
                    onAdd(type);
                  }}
                  className="flex w-full items-start gap-2 rounded-md px-1.5 py-1 text-start hover:bg-sunken"
                >
                  <span className={cx("mt-0.5 grid size-6 shrink-0 place-items-center rounded-sm", SOFT[toneOf(type)])}>
                    <TypeIcon type={type} size={14} />
                  </span>
                  <span className="grid">
                    <span className="text-md font-medium">{typeName(type)}</span>
                    <span className="text-sm text-ink-2">{t(`flows.about.${type}`)}</span>
                  </span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </Popover>
  );
}
