/** The bits of a scan, and the place of the next. */
export interface Bits {
  readonly view: DataView;
  /** Bits that really stood there; zeros follow. */
  readonly count: number;
  at: number;
}

/** Zeros behind the last bit, so that a window of four bytes can be read anywhere within a scan. */
const PADDING = 16;

/**
 * The bits of a JPEG-LS scan up to the next marker, without the zero that is stuffed in after each byte of
 * ones (ITU-T T.87 C.1). In one stretch of memory the next bits are one load and one shift away.
 */
export function unstuffed(bytes: Uint8Array, scan: number): Bits {
  const clean = new Uint8Array(bytes.length - scan + PADDING);
  let to = 0;
  // Bits of `clean[to]` that are taken already.
  let taken = 0;
  for (let from = scan; from < bytes.length; ) {
    const full = bytes.indexOf(0xff, from);
    const end = full < 0 ? bytes.length : full + 1;
    if (taken === 0) {
      clean.set(bytes.subarray(from, end), to);
      to += end - from;
    } else {
      let rest = clean[to] as number;
      for (let at = from; at < end; at++) {
        const byte = bytes[at] as number;
        clean[to] = rest | (byte >> taken);
        rest = (byte << (8 - taken)) & 0xff;
        to += 1;
      }
      clean[to] = rest;
    }
    const next = bytes[end];
    // A marker ends the scan.
    if (full < 0 || next === undefined || next >= 0x80) break;
    // Seven bits.
    const seven = next << 1;
    clean[to] = (clean[to] as number) | (seven >> taken);
    if (taken + 7 >= 8) {
      to += 1;
      clean[to] = (seven << (8 - taken)) & 0xff;
    }
    taken = (taken + 7) & 7;
    from = end + 1;
  }
  return { view: new DataView(clean.buffer), count: 8 * to + taken, at: 0 };
}
