import { Check, X } from "lucide-react";
import { AlertDialog as RadixAlert, Dialog as RadixDialog, DropdownMenu, Popover as RadixPopover } from "radix-ui";
import { type ReactElement, type ReactNode, useState } from "react";
import { useT } from "@/i18n";
import { Button, IconButton } from "./button";
import { Kbd } from "./kbd";
import { useReturnedFocus } from "./return-focus";
import { cx } from "./tone";

const SHADE = "fixed inset-0 z-40 bg-shade";
const WIDTH = { sm: "max-w-sm", md: "max-w-lg", lg: "max-w-3xl" };

interface DialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description?: ReactNode;
  children?: ReactNode;
  footer?: ReactNode;
  size?: "sm" | "md" | "lg";
}

export function Dialog({ open, onOpenChange, title, description, children, footer, size = "md" }: DialogProps) {
  const t = useT();
  const { onOpenAutoFocus, onCloseAutoFocus } = useReturnedFocus();
  return (
    <RadixDialog.Root open={open} onOpenChange={onOpenChange}>
      <RadixDialog.Portal>
        <RadixDialog.Overlay className={SHADE} />
        <RadixDialog.Content
          {...(description ? {} : { "aria-describedby": undefined })}
          onOpenAutoFocus={onOpenAutoFocus}
          onCloseAutoFocus={onCloseAutoFocus}
          className={cx("fixed inset-x-3 top-[12vh] z-50 mx-auto flex max-h-[80vh] flex-col rounded-lg border border-line bg-raised shadow-over outline-none", WIDTH[size])}
        >
          <div className="flex items-start gap-3 border-b border-line px-4 py-3">
            <div className="flex-1">
              <RadixDialog.Title className="text-lg font-semibold">{title}</RadixDialog.Title>
              {description && <RadixDialog.Description className="mt-0.5 text-md text-ink-2">{description}</RadixDialog.Description>}
            </div>
            <RadixDialog.Close asChild>
              <IconButton label={t("common.close")} size="sm">
                <X size={15} aria-hidden />
              </IconButton>
            </RadixDialog.Close>
          </div>
          <div className="min-h-0 flex-1 overflow-auto p-4">{children}</div>
          {footer && <div className="flex justify-end gap-2 border-t border-line px-4 py-3">{footer}</div>}
        </RadixDialog.Content>
      </RadixDialog.Portal>
    </RadixDialog.Root>
  );
}

interface ConfirmProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description: ReactNode;
  confirm: string;
  tone?: "danger" | "primary";
  onConfirm: () => void | Promise<void>;
}

/** For what cannot be undone. Stays open, and busy, until it is done. */
export function ConfirmDialog({ open, onOpenChange, title, description, confirm, tone = "danger", onConfirm }: ConfirmProps) {
  const t = useT();
  const [busy, setBusy] = useState(false);
  const { remember, onCloseAutoFocus } = useReturnedFocus();
  const run = async () => {
    setBusy(true);
    try {
      await onConfirm();
      onOpenChange(false);
    } finally {
      setBusy(false);
    }
  };
  return (
    <RadixAlert.Root open={open} onOpenChange={onOpenChange}>
      <RadixAlert.Portal>
        <RadixAlert.Overlay className={SHADE} />
        <RadixAlert.Content onOpenAutoFocus={remember} onCloseAutoFocus={onCloseAutoFocus} className="fixed inset-x-3 top-[20vh] z-50 mx-auto max-w-md rounded-lg border border-line bg-raised p-4 shadow-over outline-none">
          <RadixAlert.Title className="text-lg font-semibold">{title}</RadixAlert.Title>
          <RadixAlert.Description asChild>
            <div className="mt-1.5 text-md text-ink-2">{description}</div>
          </RadixAlert.Description>
          <div className="mt-4 flex justify-end gap-2">
            <RadixAlert.Cancel asChild>
              <Button>{t("common.cancel")}</Button>
            </RadixAlert.Cancel>
            <Button variant={tone} busy={busy} onClick={() => void run()}>
              {confirm}
            </Button>
          </div>
        </RadixAlert.Content>
      </RadixAlert.Portal>
    </RadixAlert.Root>
  );
}

export function Sheet({ open, onOpenChange, title, children, side = "end" }: { open: boolean; onOpenChange: (open: boolean) => void; title: string; children: ReactNode; side?: "start" | "end" | "bottom" }) {
  const t = useT();
  const { onOpenAutoFocus, onCloseAutoFocus } = useReturnedFocus();
  const place = { start: "inset-y-0 start-0 w-full max-w-md border-e", end: "inset-y-0 end-0 w-full max-w-md border-s", bottom: "inset-x-0 bottom-0 max-h-[85vh] rounded-t-lg border-t" }[side];
  return (
    <RadixDialog.Root open={open} onOpenChange={onOpenChange}>
      <RadixDialog.Portal>
        <RadixDialog.Overlay className={SHADE} />
        <RadixDialog.Content aria-describedby={undefined} onOpenAutoFocus={onOpenAutoFocus} onCloseAutoFocus={onCloseAutoFocus} className={cx("fixed z-50 flex flex-col border-line bg-raised shadow-over outline-none", place)}>
          <div className="flex items-center gap-3 border-b border-line px-4 py-3">
            <RadixDialog.Title className="flex-1 text-lg font-semibold">{title}</RadixDialog.Title>
            <RadixDialog.Close asChild>
              <IconButton label={t("common.close")} size="sm">
                <X size={15} aria-hidden />
              </IconButton>
            </RadixDialog.Close>
          </div>
          <div className="min-h-0 flex-1 overflow-auto p-4">{children}</div>
        </RadixDialog.Content>
      </RadixDialog.Portal>
    </RadixDialog.Root>
  );
}

interface PopoverProps {
  trigger: ReactElement;
  children: ReactNode;
  align?: "start" | "center" | "end";
  open?: boolean;
  onOpenChange?: (open: boolean) => void;
  label?: string;
  className?: string;
}

export function Popover({ trigger, children, align = "center", open, onOpenChange, label, className }: PopoverProps) {
  return (
    <RadixPopover.Root {...(open === undefined ? {} : { open })} {...(onOpenChange ? { onOpenChange } : {})}>
      <RadixPopover.Trigger asChild>{trigger}</RadixPopover.Trigger>
      <RadixPopover.Portal>
        <RadixPopover.Content aria-label={label} align={align} sideOffset={6} collisionPadding={8} className={cx("z-50 rounded-lg border border-line bg-raised p-3 shadow-over outline-none", className)}>
          {children}
        </RadixPopover.Content>
      </RadixPopover.Portal>
    </RadixPopover.Root>
  );
}

export interface MenuItem {
  label: string;
  icon?: ReactNode;
  shortcut?: string;
  onSelect: () => void;
  tone?: "danger";
  disabled?: boolean;
  checked?: boolean;
}

const ITEM = "flex min-h-7 cursor-default items-center gap-2 rounded-sm px-2 py-1 text-md outline-none select-none data-[disabled]:opacity-45 data-[highlighted]:bg-accent-soft";

export function Menu({ trigger, items, label, align = "end" }: { trigger: ReactElement; items: readonly (MenuItem | "separator")[]; label: string; align?: "start" | "center" | "end" }) {
  return (
    // Not modal: what rings beside it can be answered while it is open, and nothing that can be reached is hidden from anybody.
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content aria-label={label} align={align} sideOffset={4} collisionPadding={8} className="z-50 min-w-44 rounded-md border border-line bg-raised p-1 shadow-over">
          {items.map((item, index) => {
            // The items of a menu do not move while it is open.
            if (item === "separator") return <DropdownMenu.Separator key={`separator-${String(index)}`} className="my-1 h-px bg-line" />;
            const content = (
              <>
                {item.icon}
                <span className="flex-1">{item.label}</span>
                {item.shortcut && <Kbd keys={item.shortcut} />}
              </>
            );
            const look = cx(ITEM, item.tone === "danger" && "text-bad");
            return item.checked === undefined ? (
              <DropdownMenu.Item key={item.label} disabled={item.disabled ?? false} onSelect={item.onSelect} className={look}>
                {content}
              </DropdownMenu.Item>
            ) : (
              <DropdownMenu.CheckboxItem key={item.label} checked={item.checked} disabled={item.disabled ?? false} onSelect={item.onSelect} className={look}>
                {content}
                <span className="w-4">{item.checked && <Check size={14} aria-hidden />}</span>
              </DropdownMenu.CheckboxItem>
            );
          })}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
