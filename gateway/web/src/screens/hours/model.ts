/** Opening hours as the server has them: `/api/v1/schedules`. */

export const WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** `HH:MM`; `24:00` is the end of the day. */
export interface Opening {
  readonly from: string;
  readonly to: string;
}

export interface WeekOpening extends Opening {
  readonly day: Weekday;
}

/** Days that are not as the week says, both dates included; closed without an opening. */
export interface SpecialDay {
  readonly name: string;
  /** `YYYY-MM-DD`, in the schedule's zone. */
  readonly from: string;
  readonly to: string;
  readonly openings: readonly Opening[];
}

export type OpenState = "open" | "closed";

/** What somebody said beside the hours, and for how long it holds: until it is ended where that is null. */
export interface Override {
  readonly state: OpenState;
  readonly until: string | null;
  readonly note: string | null;
  readonly by?: string | null;
  readonly since: string;
}

/** Whatever has a name, or is one. */
export type Named = string | { readonly id: string; readonly name: string };

export interface UsedBy {
  readonly numbers: readonly string[];
  readonly queues: readonly Named[];
  readonly flows: readonly Named[];
}

export interface Schedule {
  readonly id: string;
  readonly name: string;
  readonly time_zone: string;
  readonly week: readonly WeekOpening[];
  readonly special: readonly SpecialDay[];
  readonly override: Override | null;
  readonly used_by: UsedBy;
  readonly open_now: boolean;
  readonly next_change: string | null;
  /** Where the server says it: a change is refused then when somebody else was quicker. */
  readonly updated_at?: string;
}

export interface WriteSchedule {
  readonly name: string;
  readonly time_zone: string;
  readonly week: readonly WeekOpening[];
  readonly special: readonly SpecialDay[];
}

export interface WriteOverride {
  readonly state: OpenState;
  readonly until?: string | null;
  readonly note?: string | null;
}
