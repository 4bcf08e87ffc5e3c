/** The fragments of a frame as one array: the fragment itself when there is one, else a copy. */
export function joinFragments(fragments: readonly Uint8Array[]): Uint8Array {
  const [first] = fragments;
  if (first !== undefined && fragments.length === 1) return first;
  const joined = new Uint8Array(fragments.reduce((length, fragment) => length + fragment.length, 0));
  let offset = 0;
  for (const fragment of fragments) {
    joined.set(fragment, offset);
    offset += fragment.length;
  }
  return joined;
}
