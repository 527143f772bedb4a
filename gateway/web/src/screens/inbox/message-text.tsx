/** The words of a message: links, names, and the marks that its channel's users write. */
import { Fragment, type ReactNode } from "react";
import { withMentions } from "./compose-core";
import type { Person } from "./data";
import { type Marked, marked, straight } from "./format";

/** Addresses can be followed, to a page of their own that learns nothing of this one. */
const LINK = /\bhttps?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]]/g;

function linked(words: string): ReactNode[] {
  const pieces: ReactNode[] = [];
  let from = 0;
  for (const match of words.matchAll(LINK)) {
    pieces.push(words.slice(from, match.index));
    pieces.push(
      <a key={match.index} href={match[0]} target="_blank" rel="noopener noreferrer nofollow" className="break-all underline underline-offset-2">
        {match[0]}
      </a>,
    );
    from = match.index + match[0].length;
  }
  pieces.push(words.slice(from));
  return pieces;
}

/** Longer than any provider takes: what looks for the end of each mark would look for long. */
const LONGEST = 5000;

function dressed({ text, marks }: Marked): ReactNode {
  let shown: ReactNode = marks.includes("code") ? <code className="rounded-sm bg-sunken px-1 font-mono text-sm">{text}</code> : linked(text);
  if (marks.includes("bold")) shown = <strong>{shown}</strong>;
  if (marks.includes("italic")) shown = <em>{shown}</em>;
  return marks.includes("struck") ? <s>{shown}</s> : shown;
}

/** `people`: whom a note may name. `marks`: whether its channel knows marks. */
export function MessageText({ text, people, marks }: { text: string; people: readonly Person[] | undefined; marks: boolean }) {
  const words = straight(text);
  const pieces = people ? withMentions(words, people) : [{ text: words }];
  return (
    // In the direction of its own first letter, whatever stands around it.
    <p dir="auto" className="break-words whitespace-pre-wrap [unicode-bidi:isolate]">
      {pieces.map((piece, index) =>
        "id" in piece && piece.id ? (
          <strong key={index}>{piece.text}</strong>
        ) : (
          <Fragment key={index}>{marks && piece.text.length <= LONGEST ? marked(piece.text).map((one, place) => <Fragment key={place}>{dressed(one)}</Fragment>) : linked(piece.text)}</Fragment>
        ),
      )}
    </p>
  );
}
