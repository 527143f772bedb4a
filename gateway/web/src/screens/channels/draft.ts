/** The settings of an account, as a form has them. Pure: the screen shows it, the server has the last word. */
import { type Hours, type Opening, hoursOf, openingOf } from "../shared/opening";
import type { AccountChange, ChannelAccount } from "./api";
import { FIELDS } from "./fields";

/** Stands for “none”: a choice has no empty value. */
export const NONE = "none";
const REOPEN_HOURS = 72;
export const MOST_REOPEN_HOURS = 8784;

export interface Draft {
  readonly name: string;
  readonly queue: string;
  readonly site: string;
  /** By the provider's own names. A secret is empty until another is typed. */
  readonly fields: Readonly<Record<string, string>>;
  readonly greeting: string;
  readonly outOfHours: string;
  readonly help: string;
  readonly csat: boolean;
  readonly reopen: string;
  readonly opening: Opening;
}

const text = (value: unknown): string => (typeof value === "string" ? value : typeof value === "number" ? String(value) : "");

export function draftOf({ name, queue_id, site_id, type, settings }: ChannelAccount, timeZone: string): Draft {
  return {
    name,
    queue: queue_id ?? NONE,
    site: site_id ?? NONE,
    fields: Object.fromEntries(FIELDS[type].map((one) => [one.name, one.secret ? "" : text(settings[one.name])])),
    greeting: text(settings.greeting),
    outOfHours: text(settings.out_of_hours),
    help: text(settings.help),
    csat: settings.csat === true,
    reopen: typeof settings.reopen_hours === "number" ? String(settings.reopen_hours) : String(REOPEN_HOURS),
    opening: openingOf(settings.hours as Hours | null | undefined, timeZone),
  };
}

/** Only what is another than before: a secret that was not typed stays. */
export function changesOf(account: ChannelAccount, draft: Draft, timeZone: string): AccountChange {
  const before = draftOf(account, timeZone);
  const settings: Record<string, unknown> = {};
  for (const { name, secret } of FIELDS[account.type]) {
    const [was, is] = [before.fields[name] ?? "", (draft.fields[name] ?? "").trim()];
    if (is === was) continue;
    if (is !== "") settings[name] = is;
    else if (!secret) settings[name] = null;
  }
  const said = { greeting: [before.greeting, draft.greeting], out_of_hours: [before.outOfHours, draft.outOfHours], help: [before.help, draft.help] } as const;
  for (const [name, [was, is]] of Object.entries(said)) if (is.trim() !== was.trim()) settings[name] = is.trim() === "" ? null : is.trim();
  if (draft.csat !== before.csat) settings.csat = draft.csat;
  if (draft.reopen.trim() !== before.reopen) settings.reopen_hours = draft.reopen.trim() === "" ? null : Number(draft.reopen);
  const [was, is] = [hoursOf(before.opening), hoursOf(draft.opening)];
  if (JSON.stringify(was) !== JSON.stringify(is)) settings.hours = is;
  const name = draft.name.trim();
  return {
    ...(name !== account.name ? { name } : {}),
    ...(draft.queue !== before.queue ? { queue_id: draft.queue === NONE ? null : draft.queue } : {}),
    ...(draft.site !== before.site ? { site_id: draft.site === NONE ? null : draft.site } : {}),
    ...(Object.keys(settings).length > 0 ? { settings } : {}),
  };
}

/** A number of hours, nought among them. */
export function isReopen(typed: string): boolean {
  const value = typed.trim() === "" ? REOPEN_HOURS : Number(typed);
  return Number.isInteger(value) && value >= 0 && value <= MOST_REOPEN_HOURS;
}
