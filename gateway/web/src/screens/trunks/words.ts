/** How a trunk does, in the reader's language. */
import type { Tone } from "@/design";
import { t } from "@/i18n";
import type { Registration, Trunk, TrunkStatus } from "./model";

export interface Standing {
  readonly tone: Tone;
  readonly text: string;
  /** What to do about it. */
  readonly more?: string;
}

/** What an answer of the provider's means: SIP's codes first, then what Asterisk writes itself. */
const REASONS: readonly (readonly [RegExp, "password" | "user" | "silent" | "name" | "refused" | "busy" | "certificate"])[] = [
  [/\b(401|403|407)\b|forbidden|unauthori[sz]ed|password|credential/i, "password"],
  [/\b(404|604)\b|not found|unknown user/i, "user"],
  [/\b(408|504)\b|time[d ]?-?out|no response|no answer/i, "silent"],
  [/resol(ve|ution)|dns|no such host|name or service/i, "name"],
  [/\b(480|486|503|500|600)\b|unavailable|overload/i, "busy"],
  [/tls|certificate|ssl|handshake/i, "certificate"],
  [/\b[456]\d\d\b|reject|refused/i, "refused"],
];

export function reasonText({ reason, detail }: Pick<Registration, "reason" | "detail">): string {
  const said = detail?.trim() ?? "";
  const known = REASONS.find(([pattern]) => pattern.test(said))?.[1] ?? (reason === "refused" ? "refused" : reason === "no_answer" ? "silent" : undefined);
  const words = known ? t(`trunks.reason.${known}`) : t("trunks.reason.unknown");
  return said === "" ? words : `${words} ${t("trunks.reason.said", { reason: said })}`;
}

/** On one server. */
export function serverStanding({ registration, reachable, rtt_ms }: TrunkStatus): Standing {
  const time = rtt_ms === null ? "" : t("trunks.rtt", { ms: String(Math.max(1, Math.round(rtt_ms))) });
  const timed = (words: string) => (time ? `${words}, ${time}` : words);
  const state = registration?.state;
  if (registration && state === "rejected") return { tone: "bad", text: t("trunks.state.rejected"), more: reasonText(registration) };
  if (reachable === false) return { tone: "bad", text: t("trunks.state.unreachable"), more: t("trunks.state.unreachable-text") };
  if (state === "registered") return { tone: "live", text: timed(t("trunks.state.registered")) };
  if (state === "registering") return { tone: "wait", text: t("trunks.state.trying") };
  // Where somebody has to sign in, an answer alone is not enough.
  if (reachable && !registration) return { tone: "live", text: timed(t("trunks.state.reachable")) };
  return { tone: "wait", text: t("trunks.state.unknown"), more: t("trunks.state.unknown-text") };
}

const WORST: readonly Tone[] = ["bad", "ring", "wait", "live"];

/** On all of them. */
export function standingOf(trunk: Pick<Trunk, "enabled" | "status">): Standing {
  if (!trunk.enabled) return { tone: "neutral", text: t("trunks.state.off"), more: t("trunks.state.off-text") };
  const all = trunk.status.map(serverStanding).sort((a, b) => WORST.indexOf(a.tone) - WORST.indexOf(b.tone));
  const [worst] = all;
  if (!worst) return { tone: "wait", text: t("trunks.state.unknown"), more: t("trunks.state.none-text") };
  const good = all.filter((one) => one.tone === "live").length;
  if (worst.tone !== "live" && good > 0) return { tone: "ring", text: t("trunks.state.partly", { n: good, all: all.length }), ...(worst.more ? { more: worst.more } : {}) };
  return worst;
}

/** Whether nothing more is to be waited for. */
export function settled(trunk: Pick<Trunk, "status">): boolean {
  return trunk.status.length > 0 && trunk.status.every((one) => serverStanding(one).tone !== "wait");
}
