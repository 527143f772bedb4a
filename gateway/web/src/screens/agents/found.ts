/** Whether every word of what was typed is in somebody's name, address or extension. */
export function found(agent: { readonly name: string; readonly email: string; readonly extension?: string | null }, typed: string): boolean {
  const told = [agent.name, agent.email, agent.extension ?? ""].map((one) => one.toLocaleLowerCase());
  return typed
    .toLocaleLowerCase()
    .split(/\s+/)
    .every((word) => told.some((one) => one.includes(word)));
}
