import { Dialog, Kbd } from "@/design";
import { useT } from "@/i18n";
import { useCommands } from "./commands";

/** Every key that does something right now. */
export function ShortcutList({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const t = useT();
  const commands = useCommands();
  const groups = new Map<string, Map<string, string>>();
  for (const { title, group, shortcut } of commands) {
    if (!shortcut || !title) continue;
    const name = group ?? t("common.palette.group");
    const known = groups.get(name) ?? new Map<string, string>();
    known.set(shortcut, title);
    groups.set(name, known);
  }
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={t("common.shortcuts.title")} description={t("common.shortcuts.text")} size="lg">
      {/* There are more of them than fit: who has no mouse scrolls by keys. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div tabIndex={0} role="region" aria-label={t("common.shortcuts.title")} className="columns-2 gap-8 max-sm:columns-1">
        {[...groups].map(([group, keys]) => (
          <section key={group} className="mb-5 break-inside-avoid">
            <h3 className="mb-1.5 text-sm font-semibold text-ink-3">{group}</h3>
            <dl className="grid gap-1">
              {[...keys].map(([shortcut, title]) => (
                <div key={shortcut} className="flex min-h-7 items-center gap-3 text-md">
                  <dt className="flex-1">{title}</dt>
                  <dd>
                    <Kbd keys={shortcut} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
