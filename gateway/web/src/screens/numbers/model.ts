/** The company's numbers as the server has them: `/api/v1/numbers`. */

export type Target =
  | { readonly type: "queue"; readonly queue_id: string }
  | { readonly type: "flow"; readonly flow_id: string }
  | { readonly type: "agent"; readonly agent_id: string }
  | { readonly type: "hang_up" };

export type Recording = "as_queue" | "never";
export const RECORDINGS: readonly Recording[] = ["as_queue", "never"];

export interface InboundNumber {
  /** E.164: its own name. */
  readonly number: string;
  /** May be empty. */
  readonly label: string;
  readonly site_id: string | null;
  readonly target: Target;
  /** Null: always open. */
  readonly schedule_id: string | null;
  /** Where callers go while the schedule is closed. */
  readonly closed_target: Target;
  readonly recording: Recording;
  /** Where the server says it: a change is refused then when somebody else was quicker. */
  readonly updated_at?: string;
}

export type WriteNumber = Omit<InboundNumber, "updated_at">;

/** What a flow is called, for those that a number may lead to. */
export interface FlowName {
  readonly id: string;
  readonly name: string;
  /** Null while it has never been published: calls cannot go there yet. */
  readonly published?: object | null;
}
