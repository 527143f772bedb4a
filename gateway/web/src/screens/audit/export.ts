/** Saves the log, or what the filters leave of it, as a file. */
import { saveFile } from "../shared/save";
import type { Filters } from "./filters";

export type ExportFormat = "csv" | "jsonl";

export function saveAs(format: ExportFormat, filters: Filters): Promise<void> {
  return saveFile(`/api/v1/audit/export?${new URLSearchParams({ format, ...filters }).toString()}`, `audit.${format}`);
}
