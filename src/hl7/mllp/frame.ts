import { DeepHealthError } from '../../errors/error.ts';

const START = 0x0b;
const END = 0x1c;
const RETURN = 0x0d;

/** Largest frame that is read, in bytes. */
export const MAX_FRAME_BYTES = 1024 * 1024;

/**
 * A message in its MLLP frame (HL7 v2.5.1 Implementation Guide, Minimal Lower Layer Protocol):
 * 0x0B message 0x1C 0x0D. Throws `mllp.unsendable` where the message holds a framing byte.
 */
export function frameMessage(message: Uint8Array): Buffer {
  if (message.includes(START) || message.includes(END)) throw new DeepHealthError('mllp.unsendable');
  return Buffer.concat([Buffer.of(START), message, Buffer.of(END, RETURN)]);
}

/** What a frame reader found. */
export type FrameEvent =
  | { readonly kind: 'frame'; readonly payload: Buffer }
  /** A frame over the limit; it is skipped up to its end. */
  | { readonly kind: 'oversize' };

/** Takes bytes as they come and gives back what is complete with them. */
export type FrameReader = (chunk: Uint8Array) => FrameEvent[];

/**
 * Makes a reader of MLLP frames that stands what peers send: a missing 0x0D after 0x1C, stray bytes between
 * frames, and a frame that begins again in the middle of another (the unfinished one is dropped). It never
 * holds more than `maxBytes`.
 */
export function createFrameReader(maxBytes: number = MAX_FRAME_BYTES): FrameReader {
  let pieces: Buffer[] | undefined;
  let size = 0;
  let skipping = false;

  function begin(): void {
    pieces = [];
    size = 0;
    skipping = false;
  }

  function add(piece: Buffer): FrameEvent[] {
    if (pieces === undefined || skipping || piece.length === 0) return [];
    size += piece.length;
    if (size > maxBytes) {
      pieces = [];
      skipping = true;
      return [{ kind: 'oversize' }];
    }
    // A copy: the socket's buffer would be kept alive by a view of it.
    pieces.push(Buffer.from(piece));
    return [];
  }

  function finish(): FrameEvent[] {
    const whole = pieces;
    pieces = undefined;
    return whole === undefined || skipping ? [] : [{ kind: 'frame', payload: Buffer.concat(whole, size) }];
  }

  return (chunk) => {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const events: FrameEvent[] = [];
    let from = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      if (bytes[at] === START) {
        begin();
        from = at + 1;
      } else if (bytes[at] === END) {
        events.push(...add(bytes.subarray(from, at)), ...finish());
        from = at + 1;
      }
    }
    events.push(...add(bytes.subarray(from)));
    return events;
  };
}
