/** A trunk as its form has it. Pure: the screen shows it, the server has the last word. */
import { e164 } from "../queue-rules/draft";
import type { Kind, Transport, Trunk, WriteTrunk } from "./model";

export const CODECS = ["alaw", "ulaw", "g722", "opus", "g729", "gsm"] as const;
export const AS_DIALLED = "as_dialled";
export const FIXED = "fixed";
/** Stands for “not said”: a choice has no empty value. */
export const NONE = "none";
const USUAL_PORT: Readonly<Record<Transport, number>> = { udp: 5060, tcp: 5060, tls: 5061 };
export const usualPort = (transport: Transport): number => USUAL_PORT[transport];

/** As it is typed. */
export interface TrunkDraft {
  readonly name: string;
  readonly kind: Kind;
  readonly host: string;
  readonly port: string;
  readonly transport: Transport;
  readonly username: string;
  /** Empty until another is typed. */
  readonly password: string;
  readonly fromUser: string;
  readonly fromDomain: string;
  readonly outboundProxy: string;
  readonly codecs: readonly string[];
  /** One a line. */
  readonly addresses: string;
  readonly maxChannels: string;
  readonly country: string;
  /** `as_dialled`, `fixed`, or what the server said that is neither. */
  readonly callerId: string;
  readonly fixedNumber: string;
  readonly strip: string;
  readonly prefix: string;
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
  password: "",
  fromUser: "",
  fromDomain: "",
  outboundProxy: "",
  codecs: ["alaw", "ulaw"],
  addresses: "",
  maxChannels: "",
  country: NONE,
  callerId: AS_DIALLED,
  fixedNumber: "",
  strip: "0",
  prefix: "",
  priority: "0",
  enabled: true,
};

export function draftOf(trunk: Trunk): TrunkDraft {
  const number = trunk.caller_id.startsWith("+");
  return {
    name: trunk.name,
    kind: trunk.kind,
    host: trunk.host,
    port: trunk.port === null || trunk.port === usualPort(trunk.transport) ? "" : String(trunk.port),
    transport: trunk.transport,
    username: trunk.username ?? "",
    password: "",
    fromUser: trunk.from_user ?? "",
    fromDomain: trunk.from_domain ?? "",
    outboundProxy: trunk.outbound_proxy ?? "",
    codecs: trunk.codecs,
    addresses: trunk.addresses.join("\n"),
    maxChannels: trunk.max_channels === null ? "" : String(trunk.max_channels),
    country: trunk.country ?? NONE,
    callerId: number ? FIXED : trunk.caller_id,
    fixedNumber: number ? trunk.caller_id : "",
    strip: String(trunk.strip),
    prefix: trunk.prefix ?? "",
    priority: String(trunk.priority),
    enabled: trunk.enabled,
  };
}

export const addressesIn = (text: string): string[] => [...new Set(text.split(/[\s,;]+/).filter((one) => one !== ""))];

const orNull = (text: string): string | null => (text.trim() === "" ? null : text.trim());

export function bodyOf(draft: TrunkDraft): WriteTrunk {
  const registers = draft.kind === "registration";
  return {
    name: draft.name.trim(),
    kind: draft.kind,
    host: draft.host.trim(),
    port: draft.port.trim() === "" ? usualPort(draft.transport) : Number(draft.port),
    transport: draft.transport,
    username: orNull(draft.username),
    ...(draft.password === "" ? {} : { password: draft.password }),
    from_user: orNull(draft.fromUser),
    from_domain: orNull(draft.fromDomain),
    outbound_proxy: orNull(draft.outboundProxy),
    codecs: draft.codecs,
    addresses: registers && draft.addresses.trim() === "" ? [] : addressesIn(draft.addresses),
    max_channels: draft.maxChannels.trim() === "" ? null : Number(draft.maxChannels),
    country: draft.country === NONE ? null : draft.country,
    caller_id: draft.callerId === FIXED ? e164(draft.fixedNumber) : draft.callerId,
    strip: Number(draft.strip || "0"),
    prefix: orNull(draft.prefix),
    priority: Number(draft.priority || "0"),
    enabled: draft.enabled,
  };
}

/** Only what is another than before: a password that was not typed stays. */
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
  return { host: found[2].replace(/^\[|\]$/g, ""), ...(found[3] ? { port: found[3] } : {}), ...(transport ? { transport } : {}) };
}

export function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

export function isIpv6(text: string): boolean {
  return /^[0-9a-f:.]+$/i.test(text) && text.includes(":") && URL.canParse(`http://[${text}]/`);
}

export function isHost(text: string): boolean {
  if (isIpv4(text) || isIpv6(text)) return true;
  // Digits and dots alone are an address that is wrong, not a name.
  return text.length <= 253 && !/^[\d.]+$/.test(text) && /^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.?)+$/i.test(text);
}

/** The widest network that one takes calls from, in bits: more than that is the whole internet. */
const WIDEST = { v4: 8, v6: 16 };

export type AddressFault = "address" | "wide";

export function addressFault(text: string): AddressFault | undefined {
  const [host = "", bits, ...more] = text.split("/");
  const most = isIpv4(host) ? 32 : isIpv6(host) ? 128 : undefined;
  if (most === undefined || more.length > 0) return "address";
  if (bits === undefined) return undefined;
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > most) return "address";
  return Number(bits) < (most === 32 ? WIDEST.v4 : WIDEST.v6) ? "wide" : undefined;
}

export type Fault = "required" | "host" | "port" | "addresses" | "wide" | "codecs" | "channels" | "number" | "strip" | "prefix" | "priority";
/** By the server's names of fields. */
export type Faults = Readonly<Partial<Record<keyof WriteTrunk, Fault>>>;
/** Those that stand in the folded part. */
export const ADVANCED: readonly (keyof WriteTrunk)[] = ["port", "transport", "from_user", "from_domain", "outbound_proxy", "codecs", "max_channels", "caller_id", "strip", "prefix", "priority"];

const whole = (text: string, least: number, most: number): boolean => /^\d{1,6}$/.test(text.trim()) && Number(text) >= least && Number(text) <= most;

export function faultsOf(draft: TrunkDraft, hasPassword: boolean): Faults {
  const faults: Partial<Record<keyof WriteTrunk, Fault>> = {};
  if (draft.name.trim() === "") faults.name = "required";
  if (draft.host.trim() === "") faults.host = "required";
  else if (!isHost(draft.host.trim())) faults.host = "host";
  if (draft.kind === "registration") {
    if (draft.username.trim() === "") faults.username = "required";
    if (draft.password === "" && !hasPassword) faults.password = "required";
  }
  const addresses = addressesIn(draft.addresses);
  const wrong = addresses.map(addressFault);
  if (wrong.includes("address")) faults.addresses = "addresses";
  else if (wrong.includes("wide")) faults.addresses = "wide";
  else if (draft.kind === "address" && addresses.length === 0) faults.addresses = "required";
  if (draft.port.trim() !== "" && !whole(draft.port, 1, 65_535)) faults.port = "port";
  if (draft.codecs.length === 0) faults.codecs = "codecs";
  if (draft.maxChannels.trim() !== "" && !whole(draft.maxChannels, 1, 100_000)) faults.max_channels = "channels";
  if (draft.callerId === FIXED && !/^\+[1-9]\d{6,14}$/.test(e164(draft.fixedNumber))) faults.caller_id = "number";
  if (!whole(draft.strip || "0", 0, 15)) faults.strip = "strip";
  if (!/^\+?[0-9*#]{0,15}$/.test(draft.prefix.trim())) faults.prefix = "prefix";
  if (!whole(draft.priority || "0", 0, 1000)) faults.priority = "priority";
  return faults;
}

/** What the provider is asked to call when a number is dialled: told beside the fields, for a number as an example. */
export function dialled(number: string, strip: string, prefix: string): string {
  const off = whole(strip || "0", 0, 15) ? Number(strip || "0") : 0;
  return `${prefix.trim()}${number.slice(off)}`;
}

/** With one codec preferred by one place more than before. */
export function preferred(codecs: readonly string[], codec: string): readonly string[] {
  const at = codecs.indexOf(codec);
  if (at <= 0) return codecs;
  return codecs.map((one, place) => (place === at - 1 ? codec : place === at ? (codecs[at - 1] ?? one) : one));
}
