const ORIENTATION = 0x0112;
const SHORT = 3;
/** An entry of a directory: tag, type, count, value (TIFF 6.0 section 2). */
const ENTRY_BYTES = 12;

/**
 * The Orientation of EXIF (CIPA DC-008 4.6.4 A): how the picture is turned, 1 to 8.
 * @param tiff the content of an Exif segment or chunk, from its byte order on; anything may come.
 * @returns 1 (upright) when nothing sound is said.
 */
export function orientationOf(tiff: Uint8Array): number {
  if (tiff.length < 8) return 1;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const order = view.getUint16(0, false);
  if (order !== 0x4949 && order !== 0x4d4d) return 1;
  const little = order === 0x4949;
  const directory = view.getUint32(4, little);
  if (directory > tiff.length - 2) return 1;
  const entries = view.getUint16(directory, little);
  for (let entry = 0, at = directory + 2; entry < entries; entry++, at += ENTRY_BYTES) {
    if (at + ENTRY_BYTES > tiff.length) return 1;
    if (view.getUint16(at, little) !== ORIENTATION) continue;
    const value = view.getUint16(at + 8, little);
    return view.getUint16(at + 2, little) === SHORT && value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}
