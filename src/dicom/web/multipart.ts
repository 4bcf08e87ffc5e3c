import { randomUUID } from 'node:crypto';
import { DeepHealthError } from '../../errors/error.ts';
import { parseMediaType } from './media-type.ts';

/** One part of a multipart message while it is read. */
export interface Part {
  /** Header fields by lower-case name; empty when the part has none. */
  readonly headers: ReadonlyMap<string, string>;
  /** The content; to be read before the next part is asked for, what is left is skipped. */
  readonly body: AsyncIterable<Buffer>;
  /** Whether the message ends with it; known when its content was read to its end, false until then. */
  isLast(): boolean;
}

/** What a reader puts up with; bytes and counts. */
export interface MultipartLimits {
  /** Content of one part. */
  readonly partBytes: number;
  readonly parts: number;
  /** Header block of one part. */
  readonly headerBytes: number;
  /** What may stand before the first delimiter. */
  readonly preambleBytes: number;
}

export const MULTIPART_LIMITS: MultipartLimits = {
  partBytes: 200 * 1024 * 1024,
  parts: 1000,
  headerBytes: 16 * 1024,
  preambleBytes: 64 * 1024,
};

/** How many bytes at the end of `held` may be the beginning of the delimiter, whose first byte stands only there. */
function beginningAtEnd(held: Buffer, delimiter: Buffer): number {
  const at = held.lastIndexOf(0x0d);
  const length = held.length - at;
  return at >= 0 && length < delimiter.length && held.compare(delimiter, 0, length, at) === 0 ? length : 0;
}

/**
 * The boundary of a multipart/related Content-Type (RFC 2046 5.1.1), quoted or not; undefined without one.
 * The RFC ends it at 70 characters, Orthanc sends 73.
 */
export function boundaryOf(contentType: string | undefined): string | undefined {
  const boundary = parseMediaType(contentType)?.parameters.get('boundary');
  if (boundary === undefined || !/^[\x20-\x7e]{0,199}[\x21-\x7e]$/.test(boundary)) return undefined;
  return boundary;
}

/**
 * Reads a multipart message (RFC 2046 5.1) as it comes: nothing but one chunk and the length of a delimiter
 * is held, wherever the chunks are cut. Tolerates a preamble, an epilogue, blanks after a delimiter, parts
 * without header fields, and a closing delimiter without CRLF after it. A message that ends before its
 * closing delimiter is `multipart.cut-off`, so a part whose body came to its end is whole. Errors of the source come through as they are.
 */
export async function* readMultipart(
  source: AsyncIterable<Uint8Array>,
  boundary: string,
  limits: MultipartLimits = MULTIPART_LIMITS,
): AsyncGenerator<Part, void, undefined> {
  const input = source[Symbol.asyncIterator]();
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  // The first delimiter may stand at the very beginning: with a line end put before it, it is like any other.
  let held: Buffer = Buffer.from('\r\n', 'latin1');
  let ended = false;

  async function more(): Promise<boolean> {
    if (ended) return false;
    const { done, value } = await input.next();
    if (done === true) {
      ended = true;
      return false;
    }
    const chunk = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    return true;
  }

  /** Gives what stands before the next delimiter, piece by piece, and leaves `held` just after it. */
  async function* untilDelimiter(): AsyncGenerator<Buffer, 'part' | 'end', undefined> {
    let from = 0;
    for (;;) {
      const at = held.indexOf(delimiter, from);
      if (at === -1) {
        // What may be the beginning of a delimiter; mostly nothing, so that the next chunk is taken as it is.
        const safe = held.length - beginningAtEnd(held, delimiter);
        if (safe > 0) {
          const piece = held.subarray(0, safe);
          held = held.subarray(safe);
          yield piece;
        }
        from = 0;
        if (!(await more())) throw new DeepHealthError('multipart.cut-off');
        continue;
      }
      const tail = await afterDelimiter(at + delimiter.length);
      if (tail === undefined) {
        from = at + 1;
        continue;
      }
      const piece = held.subarray(0, at);
      held = held.subarray(tail.next);
      if (piece.length > 0) yield piece;
      return tail.kind;
    }
  }

  /** What follows a possible delimiter; undefined when it is content that only looks like one. */
  async function afterDelimiter(start: number): Promise<{ kind: 'part' | 'end'; next: number } | undefined> {
    for (let at = start; ; at += 1) {
      while (held.length < at + 2) {
        if (!(await more())) return undefined;
      }
      if (at === start && held[at] === 0x2d && held[at + 1] === 0x2d) return { kind: 'end', next: at + 2 };
      if (held[at] === 0x0d && held[at + 1] === 0x0a) return { kind: 'part', next: at + 2 };
      const blank = held[at] === 0x20 || held[at] === 0x09;
      if (!blank || at - start > 64) return undefined;
    }
  }

  /**
   * Leaves the empty line's CRLF in `held`: in a part without content it is also the line end of the next
   * delimiter, else the content drops it.
   */
  async function readHeaders(): Promise<Map<string, string>> {
    for (;;) {
      if (held.length >= 2 && held[0] === 0x0d && held[1] === 0x0a) return new Map();
      const end = held.indexOf('\r\n\r\n', 0, 'latin1');
      if (end > limits.headerBytes || (end === -1 && held.length > limits.headerBytes)) {
        throw new DeepHealthError('multipart.malformed', 'The header of a part is larger than allowed.');
      }
      if (end !== -1) {
        const headers = headerFields(held.toString('latin1', 0, end));
        held = held.subarray(end + 2);
        return headers;
      }
      if (!(await more())) throw new DeepHealthError('multipart.cut-off');
    }
  }

  try {
    const preamble = contentOf(untilDelimiter(), 0, limits.preambleBytes);
    let next = await preamble.finish();
    for (let count = 0; next === 'part'; count += 1) {
      if (count >= limits.parts) throw new DeepHealthError('multipart.too-many-parts');
      const headers = await readHeaders();
      const content = contentOf(untilDelimiter(), 2, limits.partBytes);
      yield { headers, body: content.body, isLast: content.isLast };
      next = await content.finish();
    }
  } finally {
    await input.return?.();
  }
}

/**
 * The content of one part as an iterable that may be left early: `finish` skips the rest. `drop` bytes at
 * its beginning do not belong to it.
 */
function contentOf(
  pieces: AsyncGenerator<Buffer, 'part' | 'end', undefined>,
  drop: number,
  limit: number,
): { body: AsyncIterable<Buffer>; isLast(): boolean; finish(): Promise<'part' | 'end'> } {
  let toDrop = drop;
  let total = 0;
  let ending: 'part' | 'end' | undefined;

  async function next(): Promise<IteratorResult<Buffer, undefined>> {
    while (ending === undefined) {
      const step = await pieces.next();
      if (step.done === true) {
        ending = step.value;
        break;
      }
      const piece = step.value.subarray(toDrop);
      toDrop -= step.value.length - piece.length;
      total += piece.length;
      if (total > limit) throw new DeepHealthError('multipart.too-large');
      if (piece.length > 0) return { done: false, value: piece };
    }
    return { done: true, value: undefined };
  }

  async function finish(): Promise<'part' | 'end'> {
    while (ending === undefined) await next();
    return ending;
  }

  return { body: { [Symbol.asyncIterator]: () => ({ next }) }, isLast: () => ending === 'end', finish };
}

/** Header fields by lower-case name; folded lines are joined, lines that are not fields are left out. */
function headerFields(block: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of block.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon < 1) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    if (!fields.has(name)) fields.set(name, line.slice(colon + 1).trim());
  }
  return fields;
}

/** One part to be written: its size is known before, so that the message can state its own. */
export interface PartSource {
  readonly contentType: string;
  readonly size: number;
  /** The content, exactly `size` bytes; asked for again at every attempt. */
  open(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** A multipart message ready to be sent, as often as needed. */
export interface MultipartMessage {
  readonly contentType: string;
  readonly contentLength: number;
  stream(): AsyncGenerator<Uint8Array, void, undefined>;
}

/**
 * Puts parts together as multipart/related (RFC 2387) with a random boundary, CRLF after the closing
 * delimiter and the media type's `type` in quotes.
 */
export function writeMultipart(
  type: string,
  parts: readonly PartSource[],
  boundary: string = randomUUID(),
): MultipartMessage {
  const heads = parts.map((part, index) =>
    Buffer.from(
      `${index === 0 ? '' : '\r\n'}--${boundary}\r\nContent-Type: ${part.contentType}\r\n` +
        `Content-Length: ${part.size}\r\n\r\n`,
      'latin1',
    ),
  );
  const tail = Buffer.from(`${parts.length === 0 ? '' : '\r\n'}--${boundary}--\r\n`, 'latin1');
  let contentLength = tail.length;
  for (const head of heads) contentLength += head.length;
  for (const part of parts) contentLength += part.size;
  return {
    contentType: `multipart/related; type="${type}"; boundary="${boundary}"`,
    contentLength,
    async *stream() {
      for (const [index, part] of parts.entries()) {
        const head = heads[index];
        if (head !== undefined) yield head;
        yield* part.open();
      }
      yield tail;
    },
  };
}
