import { type KeyboardEvent, useMemo, useState } from "react";
import { Input } from "@/design";
import { useT } from "@/i18n";

/** Those that are written to customers, with the words they are looked for by. */
const LIST: readonly (readonly [string, string])[] = [
  ["😀", "smile happy grin"], ["😃", "smile happy joy"], ["😄", "laugh happy"], ["😁", "grin beam"], ["😅", "sweat relief"], ["😂", "tears joy laugh"], ["🙂", "smile slight"], ["😉", "wink"],
  ["😊", "blush smile"], ["😍", "love eyes"], ["🥰", "love hearts"], ["😘", "kiss"], ["😎", "cool sunglasses"], ["🤔", "think hmm"], ["🤗", "hug"], ["🙄", "eyes roll"],
  ["😐", "neutral"], ["😕", "confused"], ["😟", "worried"], ["😢", "cry sad"], ["😭", "cry loud"], ["😠", "angry"], ["😱", "scream shock"], ["😴", "sleep tired"],
  ["🤒", "ill sick"], ["🥳", "party celebrate"], ["😮", "surprised wow"], ["😬", "awkward grimace"], ["🤝", "handshake deal"], ["👍", "thumbs up yes ok good"], ["👎", "thumbs down no bad"], ["👌", "ok fine"],
  ["🙏", "please thanks pray"], ["👏", "clap applause"], ["💪", "strong"], ["👋", "wave hello bye"], ["✌️", "peace victory"], ["🤞", "luck fingers"], ["👉", "point right"], ["👇", "point down"],
  ["❤️", "heart love red"], ["🧡", "heart orange"], ["💛", "heart yellow"], ["💚", "heart green"], ["💙", "heart blue"], ["💔", "heart broken"], ["✨", "sparkles new"], ["⭐", "star"],
  ["🔥", "fire hot"], ["🎉", "party tada congratulations"], ["🎁", "gift present"], ["🎂", "cake birthday"], ["🌹", "rose flower"], ["☀️", "sun weather"], ["🌧️", "rain weather"], ["❄️", "snow cold"],
  ["✅", "check done yes"], ["☑️", "check box"], ["❌", "cross no wrong"], ["⚠️", "warning attention"], ["❗", "exclamation important"], ["❓", "question"], ["ℹ️", "information"], ["🔔", "bell reminder"],
  ["📞", "phone call"], ["📱", "mobile phone"], ["💬", "message chat"], ["📧", "mail email"], ["📎", "clip attachment"], ["📄", "document page"], ["📷", "camera photo"], ["🎥", "video film"],
  ["📅", "calendar date"], ["⏰", "alarm time"], ["⏳", "wait hourglass"], ["🕐", "clock time"], ["📍", "place pin location"], ["🏠", "home house"], ["🏢", "office building"], ["🛒", "cart shop"],
  ["📦", "package parcel"], ["🚚", "delivery truck"], ["✈️", "plane flight travel"], ["🚗", "car"], ["💳", "card pay"], ["💶", "money euro"], ["🧾", "receipt invoice"], ["🔑", "key"],
  ["🔧", "repair wrench"], ["💡", "idea lamp"], ["🔋", "battery"], ["🔒", "lock secure"], ["🔗", "link"], ["👀", "eyes look"], ["🙈", "monkey oops"], ["💯", "hundred perfect"],
];
const COLUMNS = 8;

/** Arrows go through them, Enter takes one. */
export function EmojiGrid({ onChoose }: { onChoose: (emoji: string) => void }) {
  const t = useT();
  const [word, setWord] = useState("");
  const [active, setActive] = useState(0);
  const found = useMemo(() => {
    const words = word.toLowerCase().split(/\s+/).filter(Boolean);
    return LIST.filter(([, names]) => words.every((one) => names.includes(one)));
  }, [word]);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: COLUMNS, ArrowUp: -COLUMNS }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setActive((now) => Math.max(0, Math.min(found.length - 1, now + step)));
    } else if (event.key === "Enter") {
      event.preventDefault();
      const chosen = found[active];
      if (chosen) onChoose(chosen[0]);
    }
  };
  return (
    <div className="grid gap-1.5">
      <Input
        aria-label={t("inbox.emoji.find")}
        placeholder={t("inbox.emoji.find")}
        value={word}
        onChange={(event) => {
          setWord(event.target.value);
          setActive(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div className="grid max-h-52 grid-cols-8 overflow-auto" role="group" aria-label={t("inbox.emoji")}>
        {found.map(([emoji, names], index) => (
          <button key={emoji} type="button" tabIndex={-1} aria-label={names.split(" ")[0]} onClick={() => onChoose(emoji)} className={`size-8.5 rounded-md text-xl hover:bg-sunken ${index === active ? "bg-accent-soft" : ""}`}>
            {emoji}
          </button>
        ))}
      </div>
      {found.length === 0 && <p className="text-sm text-ink-3">{t("common.nothing-found")}</p>}
    </div>
  );
}
