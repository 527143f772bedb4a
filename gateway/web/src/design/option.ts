/** One of several to choose from. */
export interface Option {
  value: string;
  label: string;
  description?: string;
  disabled?: boolean;
}

/** How a choice in an open list looks. */
export const ITEM = "flex cursor-default items-center gap-2 rounded-sm px-2 py-1.5 text-md outline-none select-none data-[disabled]:opacity-45 data-[highlighted]:bg-accent-soft data-[highlighted]:text-ink";
