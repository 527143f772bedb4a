/** Variables within texts: `{{caller.name}}`. */
import { type Definition, saysOf } from "./model";

/** What every call has from its beginning. */
export const GIVEN = [
  "caller.number",
  "caller.name",
  "caller.contact_id",
  "caller.vip",
  "caller.blocked",
  "caller.language",
  "caller.last_agent",
  "caller.open_conversation",
  "call.number",
  "call.id",
] as const;
export type Given = (typeof GIVEN)[number];

const NAME = /^[a-z_][a-z0-9_.]{0,39}$/;
export const isVariable = (name: string): boolean => NAME.test(name);

/** Names that a text asks for; undefined where its braces do not belong together. */
export function namesIn(text: string): readonly string[] | undefined {
  const names: string[] = [];
  const rest = text.replace(/\{\{([^{}]*)\}\}/g, (_, name: string) => {
    names.push(name.trim());
    return "";
  });
  return rest.includes("{{") || rest.includes("}}") ? undefined : names;
}

export const hasVariables = (text: string): boolean => /\{\{[^{}]*\}\}/.test(text);

/** What a flow itself sets, in the order of its nodes. */
export function setBy({ nodes }: Definition): readonly string[] {
  const names = nodes.flatMap(({ do: what }) => (what.type === "gather" || what.type === "set" ? [what.variable] : what.type === "http" ? Object.keys(what.save) : []));
  return [...new Set(names.filter(isVariable))];
}

/** What may be written between braces. */
export const variablesOf = (definition: Definition): readonly string[] => [...new Set([...setBy(definition), ...GIVEN])];

/** Every text of a definition that may hold variables. */
export function templatesOf(definition: Definition): readonly { readonly node: string; readonly field: string; readonly text: string }[] {
  return definition.nodes.flatMap(({ id, do: what }) => {
    const said = saysOf(what).flatMap(([field, say]) =>
      say.flatMap((part, at) => ("text" in part ? [{ field: `${field}.${String(at)}`, text: part.text }] : "digits" in part ? [{ field: `${field}.${String(at)}`, text: part.digits }] : [])),
    );
    const own =
      what.type === "http"
        ? [{ field: "url", text: what.url }, { field: "body", text: what.body ?? "" }, ...Object.entries(what.headers).map(([name, text]) => ({ field: `headers.${name}`, text }))]
        : what.type === "set"
          ? [{ field: "value", text: what.value }]
          : what.type === "dial" && what.to !== "last_agent" && "number" in what.to
            ? [{ field: "to", text: what.to.number }]
            : [];
    return [...said, ...own].map((one) => ({ node: id, ...one }));
  });
}

/** The variable that is being typed at the cursor: where its braces begin, and what stands after them. */
export function typedAt(text: string, cursor: number): { readonly from: number; readonly typed: string } | undefined {
  const from = text.lastIndexOf("{{", cursor - 1);
  if (from < 0) return undefined;
  const typed = text.slice(from + 2, cursor);
  return /^\s*[a-z0-9_.]*$/i.test(typed) ? { from, typed: typed.trim().toLowerCase() } : undefined;
}

/** The text with a variable instead of what is being typed; braces that are there already are not doubled. */
export function completed(text: string, cursor: number, variable: string): { readonly text: string; readonly cursor: number } {
  const open = typedAt(text, cursor);
  const start = open ? text.slice(0, open.from) : text.slice(0, cursor);
  const rest = text.slice(cursor);
  const written = `${start}{{${variable}}}`;
  return { text: written + (open && rest.startsWith("}}") ? rest.slice(2) : rest), cursor: written.length };
}
