import { Delete, Phone, Redo2 } from "lucide-react";
import { type KeyboardEvent, useId, useRef, useState } from "react";
import { Button, IconButton, Input, announce, cx } from "@/design";
import { useT } from "@/i18n";
import { usePhone, usePhoneActions } from "./core";
import { attempt, dialable, useAttempt } from "./problems";

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
          onPointerCancel={() => clearTimeout(timer.current)}
          onContextMenu={(event) => {
            // A finger that stays is no wish for a menu.
            if (plus && key === "0") event.preventDefault();
          }}
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
export function TonePad({ callId, send: sendElsewhere }: { callId: string; send?: (digits: string) => void }) {
  const t = useT();
  const phone = usePhoneActions();
  const [sent, setSent] = useState("");
  const send = (key: string) => {
    setSent((before) => (before + key).slice(-24));
    if (sendElsewhere) sendElsewhere(key.replaceAll(",", ""));
    else void attempt(phone.sendDigits(callId, key));
  };
  return (
    // The field hears the keys; the pad beneath is for those who point.
    <div className="grid w-56 gap-2.5">
      <Input
        aria-label={t("phone.tones")}
        placeholder={t("phone.tones")}
        value={sent}
        readOnly
        inputMode="none"
        className="num text-center text-lg"
        onKeyDown={(event) => {
          if (!/^[\d*#]$/.test(event.key) || event.ctrlKey || event.metaKey) return;
          event.preventDefault();
          send(event.key);
        }}
        onPaste={(event) => {
          event.preventDefault();
          const digits = event.clipboardData.getData("text").replace(/[^\d*#,]/g, "");
          if (digits) send(digits);
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
  const phone = usePhoneActions();
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState("");
  const [busy, run] = useAttempt();
  const wrongId = useId();
  const change = (next: string) => {
    setText(next);
    setWrong("");
  };
  const dial = async (typed: string) => {
    const number = dialable(typed);
    if (!number) {
      const words = typed.trim() ? t("phone.dial.wrong") : t("phone.dial.empty");
      setWrong(words);
      announce(words, "assertive");
      return;
    }
    if (await run(() => phone.dial(number))) {
      change("");
      onDialed?.();
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || busy) return;
    event.preventDefault();
    // An empty field offers what was dialled last, as desk phones do: a second press calls it.
    if (!text && lastDialed) change(lastDialed);
    else void dial(text);
  };
  return (
    <div className={cx("grid w-60 gap-2.5", className)}>
      <div className="relative">
        <Input
          aria-label={t("phone.dial.number")}
          aria-invalid={wrong ? true : undefined}
          aria-describedby={wrong ? wrongId : undefined}
          placeholder={t("phone.dial.number")}
          inputMode="tel"
          autoComplete="off"
          dir="ltr"
          value={text}
          className="num h-10 px-9 text-center text-lg"
          onChange={(event) => change(event.target.value)}
          onKeyDown={onKeyDown}
        />
        {text && (
          <IconButton label={t("phone.dial.delete")} size="sm" className="absolute right-1.5 top-1.5" onClick={() => change(text.slice(0, -1))}>
            <Delete size={15} aria-hidden />
          </IconButton>
        )}
      </div>
      {wrong && (
        <p id={wrongId} className="text-sm text-bad">
          {wrong}
        </p>
      )}
      <Keypad plus onKey={(key) => { setText((before) => before + key); setWrong(""); }} />
      {text || !lastDialed ? (
        <Button variant="answer" size="lg" busy={busy} icon={<Phone size={17} aria-hidden />} onClick={() => void dial(text)}>
          {t("phone.dial.call")}
        </Button>
      ) : (
        <Button variant="answer" size="lg" busy={busy} icon={<Redo2 size={17} aria-hidden />} className="min-w-0" onClick={() => void dial(lastDialed)}>
          <span className="truncate">{t("phone.dial.again", { number: lastDialed })}</span>
        </Button>
      )}
    </div>
  );
}
