/**
 * So many cells of 8 or 16 bits, in this memory where they fit into it. What stands there is anybody's: each must be
 * written.
 */
export function cellsIn(
  memory: ArrayBuffer | undefined,
  count: number,
  bits: 8 | 16,
): Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> {
  const fits = memory !== undefined && memory.byteLength >= (count * bits) / 8;
  if (bits === 8) return fits ? new Uint8Array(memory, 0, count) : new Uint8Array(count);
  return fits ? new Uint16Array(memory, 0, count) : new Uint16Array(count);
}
