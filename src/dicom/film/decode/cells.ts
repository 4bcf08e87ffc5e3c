/**
 * So many cells of 8 or 16 bits, in this memory where they fit into it. What stands there is anybody's: each must be
 * written.
 */
export function cellsIn(
  memory: ArrayBufferLike | undefined,
  count: number,
  bits: 8 | 16,
): Uint8Array | Uint16Array {
  const fits = memory !== undefined && memory.byteLength >= (count * bits) / 8;
  if (bits === 8) return fits ? new Uint8Array(memory, 0, count) : new Uint8Array(count);
  return fits ? new Uint16Array(memory, 0, count) : new Uint16Array(count);
}
