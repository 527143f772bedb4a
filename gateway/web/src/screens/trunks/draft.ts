/** A trunk as its form has it. Pure: the screen shows it, the server has the last word. */
import { e164 } from "../queue-rules/draft";
import type { DialFormat, Kind, Shown, Transport, Trunk, TrunkSettings, WriteTrunk } from "./model";

export const CODECS = ["alaw", "ulaw", "g722", "opus", "gsm"] as const;
/** Stands for “not said”: a choice has no empty value. */
export const NONE = "none";
export const LONGEST_NAME = 60;
const USUAL_PORT: Readonly<Record<Transport, number>> = { udp: 5060, tcp: 5060, tls: 5061 };
export const usualPort = (transport: Transport): number => USUAL_PORT[transport];

/** As it is typed. */
export interface TrunkDraft {
  readonly name: string;
  readonly kind: Kind;
  readonly host: string;
  /** Empty: the usual one. */
  readonly port: string;
  readonly transport: Transport;
  readonly username: string;
  readonly authUsername: string;
  /** Empty until another is typed. */
  readonly password: string;
  readonly fromUser: string;
  readonly fromDomain: string;
  readonly outboundProxy: string;
  readonly codecs: readonly string[];
  /** One a line. */
  readonly sources: string;
  readonly maxChannels: string;
  readonly country: string;
  readonly dialFormat: DialFormat;
  readonly dialStrip: string;
  readonly dialPrefix: string;
  readonly shown: Shown["show"];
  readonly shownNumber: string;
  readonly outbound: boolean;
  readonly qualify: string;
  readonly expires: string;
  /** Not shown: whoever set it by the API keeps it. */
  readonly servers: readonly string[] | null;
  readonly priority: string;
  readonly enabled: boolean;
}

export const EMPTY: TrunkDraft = {
  name: "",
  kind: "registration",
  host: "",
  port: "",
  transport: "udp",
  username: "",
  authUsername: "",
  password: "",
  fromUser: "",
  fromDomain: "",
  outboundProxy: "",
  codecs: ["alaw", "ulaw"],
  sources: "",
  maxChannels: "",
  country: NONE,
  dialFormat: "e164",
  dialStrip: "0",
  dialPrefix: "",
  shown: "as_chosen",
  shownNumber: "",
  outbound: true,
  qualify: "30",
  expires: "300",
  servers: null,
  priority: "10",
  enabled: true,
};

export function draftOf({ name, settings, priority, enabled }: Pick<Trunk, "name" | "settings" | "priority" | "enabled">): TrunkDraft {
  return {
    name,
    kind: settings.kind,
    host: settings.host,
    port: settings.port === null ? "" : String(settings.port),
    transport: settings.transport,
    username: settings.username,
    authUsername: settings.auth_username,
    password: "",
    fromUser: settings.from_user,
    fromDomain: settings.from_domain,
    outboundProxy: settings.outbound_proxy,
    codecs: settings.codecs,
    sources: settings.sources.join("\n"),
    maxChannels: settings.max_channels === null ? "" : String(settings.max_channels),
    country: settings.country ?? NONE,
    dialFormat: settings.dial_format,
    dialStrip: String(settings.dial_strip),
    dialPrefix: settings.dial_prefix,
    shown: settings.shown.show,
    shownNumber: settings.shown.show === "number" ? settings.shown.number : "",
    outbound: settings.outbound,
    qualify: String(settings.qualify_seconds),
    expires: String(settings.expires_seconds),
    servers: settings.servers,
    priority: String(priority),
    enabled,
  };
}

export const sourcesIn = (text: string): string[] => [...new Set(text.split(/[\s,;]+/).filter((one) => one !== ""))];

function settingsOf(draft: TrunkDraft): TrunkSettings {
  return {
    kind: draft.kind,
    host: draft.host.trim(),
    port: draft.port.trim() === "" ? null : Number(draft.port),
    transport: draft.transport,
    username: draft.username.trim(),
    auth_username: draft.authUsername.trim(),
    from_user: draft.fromUser.trim(),
    from_domain: draft.fromDomain.trim(),
    outbound_proxy: draft.outboundProxy.trim(),
    codecs: draft.codecs,
    sources: sourcesIn(draft.sources),
    max_channels: draft.maxChannels.trim() === "" ? null : Number(draft.maxChannels),
    country: draft.country === NONE ? null : draft.country,
    dial_format: draft.dialFormat,
    dial_strip: Number(draft.dialStrip || "0"),
    dial_prefix: draft.dialPrefix.trim(),
    shown: draft.shown === "number" ? { show: "number", number: e164(draft.shownNumber) } : { show: draft.shown },
    outbound: draft.outbound,
    qualify_seconds: Number(draft.qualify || "0"),
    expires_seconds: Number(draft.expires),
    servers: draft.servers,
  };
}

export function bodyOf(draft: TrunkDraft): WriteTrunk {
  return { name: draft.name.trim(), settings: settingsOf(draft), ...(draft.password === "" ? {} : { password: draft.password }), priority: Number(draft.priority || "0"), enabled: draft.enabled };
}

/** Only what is another than before, the settings as a whole: a password that was not typed stays. */
export function changesOf(before: TrunkDraft, draft: TrunkDraft): Partial<WriteTrunk> {
  const [was, is] = [bodyOf(before), bodyOf(draft)];
  const changed = (Object.keys(is) as (keyof WriteTrunk)[]).filter((field) => JSON.stringify(was[field]) !== JSON.stringify(is[field]));
  return Object.fromEntries(changed.map((field) => [field, is[field]]));
}

/** `sip:sip.example.com:5070;transport=tls`, as providers write it: its parts go where they belong. */
export function readHost(text: string): Partial<Pick<TrunkDraft, "host" | "port" | "transport">> {
  const found = /^(?:(sips?):)?(?:[^@\s]+@)?(\[[0-9a-f:.]+\]|[^\s:;/[\]]+)(?::(\d{1,5}))?(?:;transport=(udp|tcp|tls))?\/?$/i.exec(text.trim());
  if (!found?.[2]) return { host: text };
  const said = found[4]?.toLowerCase() as Transport | undefined;
  const transport = said ?? (found[1]?.toLowerCase() === "sips" ? "tls" : undefined);
  return { host: found[2], ...(found[3] ? { port: found[3] } : {}), ...(transport ? { transport } : {}) };
}

export function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

export function isIpv6(text: string): boolean {
  return /^[0-9a-f:.]+$/i.test(text) && text.includes(":") && URL.canParse(`http://[${text}]/`);
}

/** A name or an address; one of IPv6 in brackets. */
export function isHost(text: string): boolean {
  if (isIpv4(text) || (text.startsWith("[") && text.endsWith("]") && isIpv6(text.slice(1, -1)))) return true;
  // Digits and dots alone are an address that is wrong, not a name.
  return text.length <= 253 && !/^[\d.]+$/.test(text) && /^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.?)+$/i.test(text);
}

/** Wider networks hold half the world, in bits: the server's limits. */
const WIDEST = { v4: 8, v6: 19 };

export type SourceFault = "source" | "wide";

export function sourceFault(text: string): SourceFault | undefined {
  const [host = "", bits, ...more] = text.split("/");
  const most = isIpv4(host) ? 32 : isIpv6(host) ? 128 : undefined;
  if (more.length > 0) return "source";
  if (most === undefined) return bits === undefined && isHost(host) && /[a-z]/i.test(host) && !host.startsWith("[") ? undefined : "source";
  if (bits === undefined) return undefined;
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > most) return "source";
  return Number(bits) < (most === 32 ? WIDEST.v4 : WIDEST.v6) ? "wide" : undefined;
}

/** By the server's names of fields, those of the settings without `settings.`. */
export type Field = "name" | "password" | "priority" | keyof TrunkSettings;
export type Fault = "required" | "host" | "port" | "source" | "wide" | "codecs" | "channels" | "number" | "strip" | "prefix" | "priority" | "country" | "qualify" | "expires";
export type Faults = Readonly<Partial<Record<Field, Fault>>>;
/** Those that stand in the folded part. */
export const ADVANCED: readonly Field[] = ["transport", "port", "auth_username", "from_user", "from_domain", "outbound_proxy", "max_channels", "codecs", "shown", "dial_format", "dial_strip", "dial_prefix", "outbound", "qualify_seconds", "expires_seconds", "servers", "priority"];

/** What the server says of fields, by ours: `settings.sources.1` is of the sources. */
export function placed(fields: Readonly<Record<string, string>>, known: readonly Field[]): { readonly errors: Readonly<Partial<Record<Field, string>>>; readonly stray: readonly string[] } {
  const errors: Partial<Record<Field, string>> = {};
  const stray: string[] = [];
  for (const [field, said] of Object.entries(fields)) {
    const bare = field.replace(/^settings\./, "").replace(/\..*$/, "");
    const place = known.find((one) => one === bare);
    if (place) errors[place] ??= said;
    else stray.push(`${field}: ${said}`);
  }
  return { errors, stray };
}

const whole = (text: string, least: number, most: number): boolean => /^\d{1,6}$/.test(text.trim()) && Number(text) >= least && Number(text) <= most;

export function faultsOf(draft: TrunkDraft, hasPassword: boolean): Faults {
  const faults: Partial<Record<Field, Fault>> = {};
  if (draft.name.trim() === "") faults.name = "required";
  if (draft.host.trim() === "") faults.host = "required";
  else if (!isHost(draft.host.trim())) faults.host = "host";
  if (draft.kind === "registration") {
    if (draft.username.trim() === "") faults.username = "required";
    if (draft.password === "" && !hasPassword) faults.password = "required";
  }
  const wrong = sourcesIn(draft.sources).map(sourceFault);
  if (wrong.includes("source")) faults.sources = "source";
  else if (wrong.includes("wide")) faults.sources = "wide";
  if (draft.port.trim() !== "" && !whole(draft.port, 1, 65_535)) faults.port = "port";
  if (draft.codecs.length === 0) faults.codecs = "codecs";
  if (draft.maxChannels.trim() !== "" && !whole(draft.maxChannels, 1, 10_000)) faults.max_channels = "channels";
  if (draft.shown === "number" && !/^\+[1-9]\d{6,14}$/.test(e164(draft.shownNumber))) faults.shown = "number";
  if (draft.dialFormat === "national" && draft.country === NONE) faults.country = "country";
  if (!whole(draft.dialStrip || "0", 0, 15)) faults.dial_strip = "strip";
  if (!/^[0-9+*#]{0,16}$/.test(draft.dialPrefix.trim())) faults.dial_prefix = "prefix";
  if ((draft.qualify || "0").trim() !== "0" && !whole(draft.qualify, 5, 600)) faults.qualify_seconds = "qualify";
  if (!whole(draft.expires, 30, 7200)) faults.expires_seconds = "expires";
  if (!whole(draft.priority || "0", 0, 1000)) faults.priority = "priority";
  return faults;
}

/** What the provider is asked to call, told beside the fields for a number of some country: its code, and what follows it. */
export function dialled({ code, rest, trunk }: { readonly code: string; readonly rest: string; readonly trunk: string }, { dialFormat, dialStrip, dialPrefix }: Pick<TrunkDraft, "dialFormat" | "dialStrip" | "dialPrefix">): string {
  const written = { e164: `+${code}${rest}`, digits: `${code}${rest}`, national: `${trunk}${rest}` }[dialFormat];
  const off = whole(dialStrip || "0", 0, 15) ? Number(dialStrip || "0") : 0;
  return `${dialPrefix.trim()}${written.slice(off)}`;
}

/** With one codec preferred by one place more than before. */
export function preferred(codecs: readonly string[], codec: string): readonly string[] {
  const at = codecs.indexOf(codec);
  if (at <= 0) return codecs;
  return codecs.map((one, place) => (place === at - 1 ? codec : place === at ? (codecs[at - 1] ?? one) : one));
}
