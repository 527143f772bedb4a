/** Saves what an operation answers as a file. */
import { Problem, currentToken } from "@/api";

/** Takes as long as it takes: a file may be read from much. */
export async function saveFile(path: string, otherwise: string): Promise<void> {
  const { value } = await currentToken();
  const answer = await fetch(path, { headers: { authorization: `Bearer ${value}` } }).catch(() => {
    throw Problem.noAnswer();
  });
  if (!answer.ok) throw await Problem.of(answer);
  const name = /filename="([^"]+)"/.exec(answer.headers.get("content-disposition") ?? "")?.[1] ?? otherwise;
  const address = URL.createObjectURL(await answer.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser has taken it over by then.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
