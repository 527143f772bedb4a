/** Times of a service level, as they are typed. */
export const GOALS = ["first_reply_minutes", "next_reply_minutes", "resolution_minutes"] as const;
export type Goal = (typeof GOALS)[number];
const MOST: Readonly<Record<Goal, number>> = { first_reply_minutes: 100_000, next_reply_minutes: 100_000, resolution_minutes: 1_000_000 };

/** Nothing typed: no such goal. */
export function isGoal(goal: Goal, typed: string): boolean {
  const value = typed.trim();
  return value === "" || (/^\d{1,7}$/.test(value) && Number(value) >= 1 && Number(value) <= MOST[goal]);
}

export const goalOf = (typed: string): number | null => (typed.trim() === "" ? null : Number(typed));
