export function AgentBar() {
  return null;
}
