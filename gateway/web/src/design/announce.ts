/** One pair of live regions for the whole page: what a screen reader says of changes that nobody asked for. */
type Politeness = "polite" | "assertive";

const regions = new Map<Politeness, HTMLElement>();

function region(politeness: Politeness): HTMLElement {
  const known = regions.get(politeness);
  if (known?.isConnected) return known;
  const element = document.createElement("div");
  element.className = "sr-only";
  element.setAttribute("aria-live", politeness);
  element.setAttribute("role", politeness === "assertive" ? "alert" : "status");
  document.body.append(element);
  regions.set(politeness, element);
  return element;
}

/** The regions have to be there before they say something. */
export function prepareToAnnounce(): void {
  region("polite");
  region("assertive");
}

export function announce(text: string, politeness: Politeness = "polite"): void {
  const element = region(politeness);
  // The same text twice is said twice: an element of its own is a change.
  const line = document.createElement("p");
  line.textContent = text;
  element.replaceChildren(line);
}
