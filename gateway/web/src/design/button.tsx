import type { ComponentPropsWithRef, ReactNode } from "react";
import { Tooltip } from "./tooltip";
import { cx } from "./tone";

export type ButtonVariant = "primary" | "secondary" | "ghost" | "danger" | "answer";
export type ButtonSize = "sm" | "md" | "lg";

const LOOK: Record<ButtonVariant, string> = {
  primary: "bg-accent text-accent-ink hover:brightness-110",
  secondary: "border border-line-strong bg-surface text-ink hover:bg-sunken",
  ghost: "text-ink-2 hover:bg-sunken hover:text-ink",
  danger: "bg-bad text-bad-ink hover:brightness-110",
  answer: "bg-live text-surface hover:brightness-110",
};
const SIZE: Record<ButtonSize, string> = { sm: "h-7 px-2.5 text-sm", md: "h-8 px-3 text-md", lg: "h-10 px-4 text-lg" };
const SQUARE: Record<ButtonSize, string> = { sm: "size-7", md: "size-8", lg: "size-10" };
const SHARED = "inline-flex shrink-0 items-center justify-center gap-1.5 rounded-md font-medium whitespace-nowrap transition-[background,filter] select-none disabled:cursor-default disabled:opacity-45 aria-disabled:opacity-45";

interface ButtonProps extends ComponentPropsWithRef<"button"> {
  variant?: ButtonVariant;
  size?: ButtonSize;
  icon?: ReactNode;
  /** Something is under way that this button began. */
  busy?: boolean;
  shortcut?: string;
}

export function Button({ variant = "secondary", size = "md", icon, busy, shortcut, className, children, disabled, ...rest }: ButtonProps) {
  const button = (
    <button type="button" {...rest} disabled={disabled ?? false} aria-busy={busy ? true : undefined} onClick={busy ? undefined : rest.onClick} className={cx(SHARED, LOOK[variant], SIZE[size], className)}>
      {busy ? <span aria-hidden className="size-3.5 animate-spin rounded-full border-2 border-current border-r-transparent" /> : icon}
      {children}
    </button>
  );
  return shortcut ? (
    <Tooltip content="" shortcut={shortcut}>
      {button}
    </Tooltip>
  ) : (
    button
  );
}

interface IconButtonProps extends Omit<ComponentPropsWithRef<"button">, "aria-label"> {
  /** Its name, which the tooltip shows too. */
  label: string;
  shortcut?: string;
  pressed?: boolean;
  variant?: ButtonVariant;
  size?: ButtonSize;
}

export function IconButton({ label, shortcut, pressed, variant = "ghost", size = "md", className, ...rest }: IconButtonProps) {
  return (
    <Tooltip content={label} shortcut={shortcut}>
      <button type="button" aria-label={label} aria-pressed={pressed} {...rest} className={cx(SHARED, LOOK[variant], SQUARE[size], pressed && "bg-accent-soft text-accent", className)} />
    </Tooltip>
  );
}
