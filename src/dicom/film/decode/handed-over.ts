/** The memory of these arrays that is handed over with a message; shared memory is not, both sides have it. */
export function handedOver(...arrays: readonly { readonly buffer: ArrayBufferLike }[]): ArrayBuffer[] {
  return arrays.map(({ buffer }) => buffer).filter((buffer) => buffer instanceof ArrayBuffer);
}
