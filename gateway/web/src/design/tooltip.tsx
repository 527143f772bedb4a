import { Tooltip as Radix } from "radix-ui";
import type { ReactNode } from "react";
import { Kbd } from "./kbd";

/** Around the whole page, once. */
export const TooltipProvider = Radix.Provider;

export function Tooltip({ content, shortcut, children }: { content: ReactNode; shortcut?: string | undefined; children: ReactNode }) {
  return (
    <Radix.Provider delayDuration={400} skipDelayDuration={200}>
      <Radix.Root>
        <Radix.Trigger asChild>{children}</Radix.Trigger>
        <Radix.Portal>
          <Radix.Content sideOffset={6} collisionPadding={8} className="z-50 flex max-w-72 items-center gap-2 rounded-md bg-ink px-2 py-1 text-sm text-bg shadow-over">
            {content}
            {shortcut && <Kbd keys={shortcut} inverse />}
          </Radix.Content>
        </Radix.Portal>
      </Radix.Root>
    </Radix.Provider>
  );
}
