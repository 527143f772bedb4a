/** Lines to telephone companies, as the server has them: `/api/v1/trunks`. */

export type Kind = "registration" | "address";
export const KINDS: readonly Kind[] = ["registration", "address"];
export type Transport = "udp" | "tcp" | "tls";
export const TRANSPORTS: readonly Transport[] = ["udp", "tcp", "tls"];
export type DialFormat = "e164" | "digits" | "national";
export const DIAL_FORMATS: readonly DialFormat[] = ["e164", "digits", "national"];
export type Shown = { readonly show: "as_chosen" } | { readonly show: "number"; readonly number: string } | { readonly show: "withheld" };

export interface Registration {
  readonly state: "registering" | "registered" | "rejected" | "unknown";
  readonly since?: string | null;
  readonly reason?: "refused" | "no_answer" | null;
  /** In the provider's words, or the server's. */
  readonly detail?: string | null;
}

/** How a trunk does on one Asterisk server. */
export interface TrunkStatus {
  readonly server: string;
  /** Null where nobody signs in. */
  readonly registration: Registration | null;
  /** Null: not asked, or not known yet. */
  readonly reachable: boolean | null;
  readonly rtt_ms: number | null;
  readonly since?: string | null;
  /** Calls on it now. */
  readonly channels?: number;
}

export interface TrunkSettings {
  readonly kind: Kind;
  readonly host: string;
  /** Null: the usual one. */
  readonly port: number | null;
  readonly transport: Transport;
  readonly username: string;
  readonly auth_username: string;
  readonly from_user: string;
  readonly from_domain: string;
  readonly outbound_proxy: string;
  /** The preferred first. */
  readonly codecs: readonly string[];
  /** From which calls are taken: addresses, networks, names. */
  readonly sources: readonly string[];
  readonly max_channels: number | null;
  /** ISO 3166: how numbers in national form are read. */
  readonly country: string | null;
  readonly dial_format: DialFormat;
  readonly dial_strip: number;
  readonly dial_prefix: string;
  readonly shown: Shown;
  readonly outbound: boolean;
  readonly qualify_seconds: number;
  readonly expires_seconds: number;
  readonly servers: readonly string[] | null;
}

export interface Trunk {
  readonly id: string;
  readonly name: string;
  readonly settings: TrunkSettings;
  readonly has_password: boolean;
  /** The lower, the sooner it is tried. */
  readonly priority: number;
  readonly enabled: boolean;
  readonly status: readonly TrunkStatus[];
  readonly updated_at: string;
}

/** The password is sent, and never shown again; null takes it away. */
export interface WriteTrunk {
  readonly name: string;
  readonly settings: TrunkSettings;
  readonly password?: string | null;
  readonly priority: number;
  readonly enabled: boolean;
}

export interface ImportNote {
  readonly line: number;
  readonly text: string;
  readonly message: string;
}

export interface Proposal {
  readonly name: string;
  readonly settings: TrunkSettings;
  readonly has_password: boolean;
  /** Where it stands in the file. */
  readonly lines: readonly number[];
  readonly notes: readonly ImportNote[];
  /** Why it cannot be made like that. */
  readonly problem: { readonly field: string; readonly message: string } | null;
}

export interface Imported {
  readonly trunks: readonly Proposal[];
  readonly not_understood: readonly ImportNote[];
  readonly created: readonly Trunk[];
}
