import { Eye, EyeOff } from "lucide-react";
import { type ComponentPropsWithRef, type ReactElement, type ReactNode, cloneElement, useId, useState } from "react";
import { useT } from "@/i18n";
import { cx } from "./tone";

const CONTROL =
  "h-8 rounded-md border border-line-control bg-surface px-2.5 text-md text-ink placeholder:text-ink-3 disabled:opacity-50 aria-invalid:border-bad";

/** As wide as its place, unless a width was asked for. */
export function control(className: string | undefined): string {
  return cx(CONTROL, !/(^|\s)w-/.test(className ?? "") && "w-full", className);
}

interface Wired {
  id?: string;
  "aria-describedby"?: string;
  "aria-invalid"?: boolean;
  required?: boolean;
}

/** A label, one control, and what is to be said about it. */
export function Field({ label, hint, error, required, className, children }: { label: string; hint?: ReactNode; error?: string | undefined; required?: boolean; className?: string; children: ReactElement }) {
  const id = useId();
  const child = children as ReactElement<Wired>;
  const control = child.props.id ?? id;
  const described = [error ? `${id}-error` : "", hint ? `${id}-hint` : ""].filter(Boolean).join(" ");
  return (
    <div className={cx("grid content-start gap-1", className)}>
      <label htmlFor={control} className="text-sm font-medium text-ink-2">
        {label}
        {required && <span aria-hidden className="text-bad"> *</span>}
      </label>
      {cloneElement(child, { id: control, "aria-describedby": described || undefined, "aria-invalid": error ? true : undefined, ...(required ? { required: true } : {}) })}
      {error && (
        <p id={`${id}-error`} className="text-sm text-bad">
          {error}
        </p>
      )}
      {hint && (
        <div id={`${id}-hint`} className="text-sm text-ink-3">
          {hint}
        </div>
      )}
    </div>
  );
}

export function Input({ className, ...rest }: ComponentPropsWithRef<"input">) {
  return <input {...rest} className={control(className)} />;
}

export function Textarea({ className, ...rest }: ComponentPropsWithRef<"textarea">) {
  return <textarea rows={3} {...rest} className={control(cx("h-auto py-1.5", className))} />;
}

export function PasswordInput({ className, ...rest }: Omit<ComponentPropsWithRef<"input">, "type">) {
  const t = useT();
  const [shown, setShown] = useState(false);
  return (
    <div className="relative">
      <input {...rest} type={shown ? "text" : "password"} className={control(cx("pe-9", className))} />
      <button type="button" aria-pressed={shown} aria-label={t("common.password.show")} onClick={() => setShown(!shown)} className="absolute inset-y-0 end-0 grid w-8 place-items-center rounded-md text-ink-3 hover:text-ink">
        {shown ? <EyeOff size={15} aria-hidden /> : <Eye size={15} aria-hidden />}
      </button>
    </div>
  );
}
