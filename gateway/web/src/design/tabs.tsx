import { Tabs as Radix } from "radix-ui";
import type { ReactNode } from "react";
import { cx } from "./tone";

export interface Tab {
  value: string;
  label: string;
  count?: number;
}

/** `children` is the panel of the tab that is chosen. */
export function Tabs({ value, onValueChange, tabs, children, className }: { value: string; onValueChange: (value: string) => void; tabs: readonly Tab[]; children?: ReactNode; className?: string }) {
  return (
    <Radix.Root value={value} onValueChange={onValueChange} className={className}>
      <Radix.List className="flex gap-1 overflow-x-auto border-b border-line">
        {tabs.map((tab) => (
          <Radix.Trigger
            key={tab.value}
            value={tab.value}
            {...(children === undefined ? { "aria-controls": undefined } : {})}
            className={cx("-mb-px inline-flex h-9 items-center gap-1.5 border-b-2 border-transparent px-3 text-md font-medium whitespace-nowrap text-ink-2 hover:text-ink focus-visible:-outline-offset-2 data-[state=active]:border-accent data-[state=active]:text-ink")}
          >
            {tab.label}
            {tab.count !== undefined && <span className="num rounded-full bg-sunken px-1.5 text-xs text-ink-2">{tab.count}</span>}
          </Radix.Trigger>
        ))}
      </Radix.List>
      {children !== undefined && (
        <Radix.Content value={value} className="outline-offset-4">
          {children}
        </Radix.Content>
      )}
    </Radix.Root>
  );
}
