/** What each provider needs to know, and what is asked for first. */
import type { Kind } from "./api";

export interface FieldSpec {
  readonly name: string;
  /** Never shown again. */
  readonly secret?: true;
  readonly needed?: true;
  /** Few need it: it stands under “More”. */
  readonly more?: true;
}

export const FIELDS: Readonly<Record<Kind, readonly FieldSpec[]>> = {
  whatsapp: [
    { name: "phone_number_id", needed: true },
    { name: "waba_id", needed: true },
    { name: "access_token", needed: true, secret: true },
    { name: "app_secret", needed: true, secret: true },
    { name: "list_label", more: true },
    { name: "country", more: true },
    { name: "graph_version", more: true },
    { name: "api_base", more: true },
  ],
  telegram: [
    { name: "bot_token", needed: true, secret: true },
    { name: "country", more: true },
    { name: "api_base", more: true },
  ],
  twilio: [
    { name: "account_sid", needed: true },
    { name: "auth_token", needed: true, secret: true },
    { name: "from", needed: true },
    { name: "country", more: true },
    { name: "api_base", more: true },
  ],
};

/** Which field a finding of the check is about. */
const BEHIND: Readonly<Record<Kind, Readonly<Record<string, string>>>> = {
  whatsapp: { token: "access_token", number: "phone_number_id" },
  telegram: { token: "bot_token", bot: "bot_token" },
  twilio: { token: "auth_token", number: "from" },
};

/** What was typed wrongly, as the provider has it; a webhook that is not set up yet is no fault of what was typed. */
export function faultsOf(kind: Kind, findings: readonly { readonly what: string; readonly good: boolean; readonly detail: string }[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    findings.flatMap(({ what, good, detail }) => {
      const field = BEHIND[kind][what];
      return good || field === undefined ? [] : [[`settings.${field}`, detail] as const];
    }),
  );
}

/** What is wanted and was not typed. */
export function wanting(kind: Kind, typed: Readonly<Record<string, string>>): readonly string[] {
  return FIELDS[kind].filter((one) => one.needed && (typed[one.name] ?? "").trim() === "").map((one) => one.name);
}

/** Settings of what was typed. */
export function typedSettings(kind: Kind, typed: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(FIELDS[kind].map(({ name }) => [name, (typed[name] ?? "").trim()] as const).filter(([, value]) => value !== ""));
}
