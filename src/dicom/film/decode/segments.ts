/** A marker segment of a JPEG or JPEG-LS picture: its second byte and its payload behind the length. */
export interface Segment {
  readonly marker: number;
  readonly payload: Uint8Array;
}

const SOI = 0xd8;
const SOS = 0xda;

/**
 * The marker segments up to the first scan and where its entropy coded bytes begin. For pictures whose header
 * `readJpeg` has been through already: anything odd gives undefined.
 */
export function segmentsBefore(
  bytes: Uint8Array,
): { readonly segments: readonly Segment[]; readonly scan: number } | undefined {
  const segments: Segment[] = [];
  if (bytes[0] !== 0xff || bytes[1] !== SOI) return undefined;
  for (let at = 2; ; ) {
    if (bytes[at] !== 0xff) return undefined;
    while (bytes[at] === 0xff) at++;
    const marker = bytes[at++] ?? 0;
    const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    if (marker < 0xc0 || length < 2 || at + length > bytes.length) return undefined;
    segments.push({ marker, payload: bytes.subarray(at + 2, at + length) });
    at += length;
    if (marker === SOS) return { segments, scan: at };
  }
}
