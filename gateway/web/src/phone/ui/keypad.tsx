import { Delete, Phone, Redo2 } from "lucide-react";
import { type KeyboardEvent, useRef, useState } from "react";
import { Button, IconButton, Input, announce, cx } from "@/design";
import { useT } from "@/i18n";
import { phone, usePhone } from "../core";
import { attempt, dialable } from "./problems";

const KEYS: [key: string, letters: string][] = [
  ["1", ""],
  ["2", "ABC"],
  ["3", "DEF"],
  ["4", "GHI"],
  ["5", "JKL"],
  ["6", "MNO"],
  ["7", "PQRS"],
  ["8", "TUV"],
  ["9", "WXYZ"],
  ["*", ""],
  ["0", "+"],
  ["#", ""],
];
/** Nought held this long is a plus, as on every phone. */
const LONG_MS = 500;

export function Keypad({ onKey, plus }: { onKey: (key: string) => void; plus?: boolean }) {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const wasLong = useRef(false);
  return (
    <div className="grid grid-cols-3 gap-1.5">
      {KEYS.map(([key, letters]) => (
        <button
          key={key}
          type="button"
          aria-label={key}
          onPointerDown={() => {
            wasLong.current = false;
            if (!plus || key !== "0") return;
            timer.current = setTimeout(() => {
              wasLong.current = true;
              onKey("+");
            }, LONG_MS);
          }}
          onPointerUp={() => clearTimeout(timer.current)}
          onPointerLeave={() => clearTimeout(timer.current)}
          onClick={() => {
            if (!wasLong.current) onKey(key);
            wasLong.current = false;
          }}
          className="grid h-12 place-content-center rounded-md border border-line bg-surface text-center leading-none hover:bg-sunken active:bg-accent-soft"
        >
          <span className="num text-lg font-medium">{key}</span>
          <span aria-hidden className="mt-0.5 h-2.5 text-xs text-ink-3">
            {letters === "+" && !plus ? "" : letters}
          </span>
        </button>
      ))}
    </div>
  );
}

/** Tones into a running call, by the pad or by the keyboard. */
export function TonePad({ callId }: { callId: string }) {
  const t = useT();
  const [sent, setSent] = useState("");
  const send = (key: string) => {
    setSent((before) => (before + key).slice(-24));
    void attempt(phone.sendDigits(callId, key));
  };
  return (
    // The field hears the keys; the pad beneath is for those who point.
    <div className="grid w-56 gap-2.5">
      <Input
        aria-label={t("phone.tones")}
        placeholder={t("phone.tones")}
        value={sent}
        readOnly
        // The first thing in what was just opened to type into.
        // eslint-disable-next-line jsx-a11y/no-autofocus
        autoFocus
        className="num text-center text-lg"
        onKeyDown={(event) => {
          if (!/^[\d*#]$/.test(event.key) || event.ctrlKey || event.metaKey) return;
          event.preventDefault();
          send(event.key);
        }}
      />
      <Keypad onKey={send} />
    </div>
  );
}

/** A number to call: typed, pasted, or from the pad. */
export function DialPad({ onDialed, className }: { onDialed?: () => void; className?: string }) {
  const t = useT();
  const { lastDialed } = usePhone();
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState(false);
  const dial = async () => {
    // An empty field offers what was dialled last, as desk phones do.
    if (!text && lastDialed) {
      setText(lastDialed);
      return;
    }
    const number = dialable(text);
    setWrong(!number);
    if (!number) {
      announce(t("phone.dial.wrong"), "assertive");
      return;
    }
    if (await attempt(phone.dial(number))) {
      setText("");
      onDialed?.();
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") {
      event.preventDefault();
      void dial();
    }
  };
  return (
    <div className={cx("grid w-60 gap-2.5", className)}>
      <div className="relative">
        <Input
          aria-label={t("phone.dial.number")}
          aria-invalid={wrong || undefined}
          placeholder={t("phone.dial.number")}
          inputMode="tel"
          autoComplete="off"
          value={text}
          // eslint-disable-next-line jsx-a11y/no-autofocus
          autoFocus
          className="num h-10 pe-9 text-center text-lg"
          onChange={(event) => {
            setText(event.target.value);
            setWrong(false);
          }}
          onKeyDown={onKeyDown}
        />
        {text && (
          <IconButton label={t("phone.dial.delete")} size="sm" className="absolute end-1.5 top-1.5" onClick={() => setText(text.slice(0, -1))}>
            <Delete size={15} aria-hidden />
          </IconButton>
        )}
      </div>
      {wrong && <p className="text-sm text-bad">{t("phone.dial.wrong")}</p>}
      <Keypad plus onKey={(key) => setText((before) => before + key)} />
      <Button variant="answer" size="lg" icon={text || !lastDialed ? <Phone size={17} aria-hidden /> : <Redo2 size={17} aria-hidden />} onClick={() => void dial()}>
        {text || !lastDialed ? t("phone.dial.call") : t("phone.dial.again", { number: lastDialed })}
      </Button>
    </div>
  );
}
