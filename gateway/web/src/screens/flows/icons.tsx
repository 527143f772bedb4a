import { Bot, CalendarClock, CassetteTape, CircleHelp, Hash, Keyboard, Languages, ListOrdered, type LucideIcon, MessageSquareText, PhoneForwarded, PhoneIncoming, PhoneOff, Split, Variable, Voicemail, Workflow } from "lucide-react";
import type { Type } from "./model";
import type { Tone } from "@/design";

const ICONS: Readonly<Record<Type, LucideIcon>> = {
  play: MessageSquareText,
  menu: Keyboard,
  gather: Hash,
  recording: CassetteTape,
  language: Languages,
  hours: CalendarClock,
  branch: Split,
  set: Variable,
  http: Bot,
  queue: ListOrdered,
  dial: PhoneForwarded,
  callback: PhoneIncoming,
  voicemail: Voicemail,
  flow: Workflow,
  hang_up: PhoneOff,
};

export function TypeIcon({ type, size = 16, className }: { type: Type; size?: number; className?: string }) {
  const Icon = ICONS[type] ?? CircleHelp;
  return <Icon size={size} aria-hidden {...(className ? { className } : {})} />;
}

/** By what a step is for: it speaks, decides, or hands over. */
export function toneOf(type: Type): Tone {
  switch (type) {
    case "play":
    case "menu":
    case "gather":
    case "recording":
    case "language":
      return "hold";
    case "hours":
    case "branch":
    case "set":
    case "http":
      return "wait";
    case "hang_up":
      return "bad";
    default:
      return "live";
  }
}
