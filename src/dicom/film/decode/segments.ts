/** A marker segment of a JPEG or JPEG-LS picture: its second byte and its payload behind the length. */
export interface Segment {
  readonly marker: number;
  readonly payload: Uint8Array;
}

/** What stands before the scan of a picture of one component without restart intervals. */
export interface ScanHeader {
  readonly segments: readonly Segment[];
  readonly precision: number;
  readonly rows: number;
  readonly columns: number;
  /** The sampling factors of the component, and the place of its quantisation table. */
  readonly sampling: number;
  readonly quantisation: number;
  /** The payload of the SOS segment. */
  readonly parameters: Uint8Array;
  /** Where the entropy coded bytes begin. */
  readonly scan: number;
}

const SOI = 0xd8;
const SOS = 0xda;
const DRI = 0xdd;
/** The first marker and the last of those that have no payload: a scan's, and the start and end of a picture. */
const RST0 = 0xd0;
const EOI = 0xd9;
/** More than any picture has (profiles and remarks in pieces of 64 KiB); each is kept until the header is read. */
const MOST_SEGMENTS = 4096;
const FRAME_LENGTH = 9;

/** The 16 bits at a place of a payload; what is missing is zero. */
export function word(payload: Uint8Array, at: number): number {
  return ((payload[at] ?? 0) << 8) | (payload[at + 1] ?? 0);
}

/**
 * The header of the first scan, when the picture is of one of the processes in `frames` (the second bytes of
 * their SOF markers) and has what films have: one component, no restart intervals. Undefined else.
 */
export function scanHeader(bytes: Uint8Array, frames: readonly number[]): ScanHeader | undefined {
  const before = segmentsBefore(bytes);
  if (before === undefined) return undefined;
  const { segments, scan } = before;
  if (segments.some(({ marker, payload }) => marker === DRI && word(payload, 0) !== 0)) return undefined;
  const [frame, another] = segments.filter(({ marker }) => frames.includes(marker)).map((of) => of.payload);
  const parameters = segments.at(-1)?.payload;
  if (frame === undefined || another !== undefined || parameters?.[0] !== 1) return undefined;
  if (frame.length < FRAME_LENGTH || frame[5] !== 1) return undefined;
  return {
    segments,
    precision: frame[0] ?? 0,
    rows: word(frame, 1),
    columns: word(frame, 3),
    sampling: frame[7] ?? 0,
    quantisation: frame[8] ?? 0,
    parameters,
    scan,
  };
}

/**
 * The marker segments up to and with the first SOS, and where its entropy coded bytes begin. For pictures whose
 * header `readJpeg` has been through already: anything odd gives undefined.
 */
function segmentsBefore(
  bytes: Uint8Array,
): { readonly segments: readonly Segment[]; readonly scan: number } | undefined {
  const segments: Segment[] = [];
  if (bytes[0] !== 0xff || bytes[1] !== SOI) return undefined;
  for (let at = 2; ; ) {
    if (bytes[at] !== 0xff) return undefined;
    while (bytes[at] === 0xff) at++;
    const marker = bytes[at++] ?? 0;
    const length = word(bytes, at);
    const alone = marker < 0xc0 || (marker >= RST0 && marker <= EOI);
    if (alone || length < 2 || at + length > bytes.length) return undefined;
    if (segments.length === MOST_SEGMENTS) return undefined;
    segments.push({ marker, payload: bytes.subarray(at + 2, at + length) });
    at += length;
    if (marker === SOS) return { segments, scan: at };
  }
}
