/** What a colour stands for. Never the only sign: every tone comes with words. */
export type Tone = "neutral" | "accent" | "live" | "ring" | "hold" | "bad" | "wait";

export const SOFT: Record<Tone, string> = {
  neutral: "bg-sunken text-ink-2",
  accent: "bg-accent-soft text-accent",
  live: "bg-live-soft text-live",
  ring: "bg-ring-soft text-ring",
  hold: "bg-hold-soft text-hold",
  bad: "bg-bad-soft text-bad",
  wait: "bg-wait-soft text-wait",
};

export const SOLID: Record<Tone, string> = {
  neutral: "bg-ink-3",
  accent: "bg-accent",
  live: "bg-live",
  ring: "bg-ring",
  hold: "bg-hold",
  bad: "bg-bad",
  wait: "bg-wait",
};

export function cx(...parts: (string | false | null | undefined)[]): string {
  return parts.filter(Boolean).join(" ");
}
