/** Of the tags those that have every word in them, in any case; in their order. */
export function tagsFor<T extends { readonly tag: string }>(tags: readonly T[], typed: string): readonly T[] {
  const words = typed.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  return tags.filter(({ tag }) => words.every((word) => tag.toLocaleLowerCase().includes(word)));
}
