/** All that the call bar fetches with the first call. */
export { DeskBar } from "./desk";
export { RingNote } from "./ring-note";
export { CallStatus } from "./status";
export { RecordingMark, ToolButtons } from "./tools";
