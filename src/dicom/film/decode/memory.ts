const PAGE = 65_536;
const MEMORY_SECTION = 5;
/** Pages that the codecs' own data and stack need before the first picture; the heap grows from here. */
const FIRST_PAGES = 64;

/**
 * The WebAssembly file with other bounds for its memory. As shipped, the codecs take 256 MiB at once and may
 * grow to 2 GiB: with a small beginning the heap's size tells what a picture cost, and the upper bound makes
 * a hostile one fail inside instead of eating the machine.
 *
 * @throws Error when the file is not a module with one bounded memory (another version of the codecs).
 */
export function withHeapBound(wasm: Uint8Array, heapBytes: number): Uint8Array<ArrayBuffer> {
  const patched = new Uint8Array(wasm);
  let at = 8;
  const number = () => {
    const start = at;
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = patched[at++];
      if (byte === undefined) throw new Error('The codecs are not a WebAssembly module.');
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return { value, start, end: at };
    }
  };
  while (at < patched.length) {
    const section = patched[at++];
    const length = number();
    if (section !== MEMORY_SECTION) {
      at += length.value;
      continue;
    }
    const count = number();
    const flags = number();
    if (count.value !== 1 || flags.value !== 1) throw new Error('The codecs have no bounded memory.');
    const least = number();
    const most = number();
    const pages = Math.min(most.value, Math.max(FIRST_PAGES, Math.floor(heapBytes / PAGE)));
    writeNumber(patched, least, Math.min(least.value, FIRST_PAGES));
    writeNumber(patched, most, pages);
    return patched;
  }
  throw new Error('The codecs have no memory.');
}

/** A copy of what a heap holds, without the zeros at its end: of 4 MiB that is less than a twentieth. */
export function heldIn(heap: Uint8Array): Uint8Array<ArrayBuffer> {
  return heap.slice(0, 1 + heap.findLastIndex((byte) => byte !== 0));
}

/** Puts a heap back to what it held then, zeros included. */
export function putBack(heap: Uint8Array, held: Uint8Array): void {
  heap.set(held);
  heap.fill(0, held.length);
}

/** Writes a number over one of the same or a greater value, in as many bytes. */
function writeNumber(bytes: Uint8Array, place: { start: number; end: number }, value: number): void {
  let rest = value;
  for (let at = place.start; at < place.end; at++) {
    bytes[at] = (rest & 0x7f) | (at + 1 < place.end ? 0x80 : 0);
    rest = Math.floor(rest / 128);
  }
}
