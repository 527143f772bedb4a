export { awaitsOther, isCallBack, isDialling } from "./call-back";
export type { Connection, Reason, State } from "./core";
export { type CallFilters } from "./history";
export * from "./hooks";
export type { JournalEvent } from "./protocol";
export { live } from "./shell";
export type { Activity, LiveAgent, LiveCall, LiveWrapUp, Queue, QueueLive } from "./store";
export { ConnectionBadge, ConnectionMark } from "./badge";
