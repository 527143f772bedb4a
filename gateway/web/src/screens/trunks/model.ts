/** Lines to telephone companies, as the server has them: `/api/v1/trunks`. */

export type Kind = "registration" | "address";
export const KINDS: readonly Kind[] = ["registration", "address"];
export type Transport = "udp" | "tcp" | "tls";
export const TRANSPORTS: readonly Transport[] = ["udp", "tcp", "tls"];
export type RegistrationState = "registered" | "rejected" | "unregistered" | "trying" | "none";

/** How a trunk does on one Asterisk server. */
export interface TrunkStatus {
  readonly server: string;
  readonly registration: { readonly state: RegistrationState; readonly since?: string | null; readonly reason?: string | null };
  /** Null: not known. */
  readonly reachable: boolean | null;
  readonly rtt_ms: number | null;
}

export interface TrunkSettings {
  readonly name: string;
  readonly kind: Kind;
  readonly host: string;
  readonly port: number | null;
  readonly transport: Transport;
  readonly username: string | null;
  readonly from_user: string | null;
  readonly from_domain: string | null;
  readonly outbound_proxy: string | null;
  /** The preferred first. */
  readonly codecs: readonly string[];
  /** From which calls are taken: CIDR. */
  readonly addresses: readonly string[];
  readonly max_channels: number | null;
  /** ISO 3166: how numbers without a country code are read. */
  readonly country: string | null;
  /** `as_dialled`, or the number that is always shown. */
  readonly caller_id: string;
  /** Digits taken off the front of what is dialled, before `prefix` is put there. */
  readonly strip: number;
  readonly prefix: string | null;
  /** The lower, the sooner it is tried. */
  readonly priority: number;
  readonly enabled: boolean;
}

export interface Trunk extends TrunkSettings {
  readonly id: string;
  readonly has_password: boolean;
  readonly status: readonly TrunkStatus[];
  /** Where the server says it: a change is refused then when somebody else was quicker. */
  readonly updated_at?: string;
}

/** The password is sent, and never shown again. */
export type WriteTrunk = TrunkSettings & { readonly password?: string };

export interface ImportNote {
  readonly line: number;
  readonly text: string;
  readonly words: string;
}

export interface Proposal {
  readonly trunk: Partial<Trunk> & { readonly name: string };
  readonly notes: readonly ImportNote[];
}

export interface Imported {
  readonly proposals: readonly Proposal[];
  readonly not_understood: readonly ImportNote[];
  /** Ids of those that were made. */
  readonly made?: readonly string[];
}
