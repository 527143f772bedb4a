/** Saves the log, or what the filters leave of it, as a file. */
import { Problem, currentToken } from "@/api";
import type { Filters } from "./filters";

export type ExportFormat = "csv" | "jsonl";

/** Takes as long as it takes: a whole log is read for it. */
export async function saveAs(format: ExportFormat, filters: Filters): Promise<void> {
  const query = new URLSearchParams({ format, ...filters });
  const { value } = await currentToken();
  const answer = await fetch(`/api/v1/audit/export?${query.toString()}`, { headers: { authorization: `Bearer ${value}` } }).catch(() => {
    throw Problem.noAnswer();
  });
  if (!answer.ok) throw await Problem.of(answer);
  const name = /filename="([^"]+)"/.exec(answer.headers.get("content-disposition") ?? "")?.[1] ?? `audit.${format}`;
  const address = URL.createObjectURL(await answer.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser has taken it over by then.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
