import { mkdir, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeepHealthError } from '../../errors/error.ts';
import { syncFolder } from '../../files/sync-folder.ts';

/** Messages on disk until they are handed over, in order. One process writes and reads it. */
export interface Spool {
  /** Bytes that wait. */
  readonly bytes: number;
  /** Keeps messages (each one line); resolves when they are on the disk. Throws `audit.file`. */
  append(messages: readonly string[]): Promise<void>;
  /** The next messages to hand over, at most so many bytes; empty when there is none. */
  next(bytes: number): Promise<readonly string[]>;
  /** The first so many of those given by `next` were handed over. */
  done(count: number): Promise<void>;
  /** Begins again with what was given and is not done. */
  rewind(): void;
}

const SEGMENT_BYTES = 1024 * 1024;
const SEGMENT = /^(\d{12})\.log$/;
const POSITION = 'position';

interface Segment {
  readonly number: number;
  bytes: number;
}

/**
 * Opens the spool in a folder. A message cut off by the end of the process that wrote it was never promised to
 * anybody and is removed. What was handed over right before a crash may be given once more.
 */
export async function openSpool(folder: string): Promise<Spool> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = (number: number) => join(folder, `${String(number).padStart(12, '0')}.log`);
  const segments = await segmentsOf(folder, path);
  /** Bytes of the first segment that are done, and those of it and later ones that were given. */
  const position = await positionOf(folder);
  let done = position.number === segments[0]?.number ? Math.min(position.offset, segments[0].bytes) : 0;
  // Numbers are never used twice, or a position would be taken for that of another segment.
  let newest = Math.max(position.number, segments.at(-1)?.number ?? 0);
  let given: { readonly bytes: number }[] = [];
  let cursor = { segment: segments[0]?.number ?? 0, offset: done };

  const rewind = (): void => {
    given = [];
    cursor = { segment: segments[0]?.number ?? 0, offset: done };
  };

  return {
    get bytes() {
      return segments.reduce((sum, { bytes }) => sum + bytes, 0) - done;
    },

    async append(messages) {
      if (messages.length === 0) return;
      let last = segments.at(-1);
      if (last === undefined || last.bytes >= SEGMENT_BYTES) {
        newest += 1;
        last = { number: newest, bytes: 0 };
        segments.push(last);
        if (segments.length === 1) rewind();
      }
      const bytes = Buffer.from(`${messages.join('\n')}\n`, 'utf8');
      await appendDurably(path(last.number), bytes, last.bytes);
      if (last.bytes === 0) await syncFolder(folder);
      last.bytes += bytes.length;
    },

    async next(most) {
      for (;;) {
        const index = segments.findIndex(({ number }) => number === cursor.segment);
        const segment = segments[index];
        if (segment === undefined) {
          // It was full and done.
          const later = segments.find(({ number }) => number > cursor.segment);
          if (later === undefined) return [];
          cursor = { segment: later.number, offset: 0 };
          continue;
        }
        if (cursor.offset < segment.bytes) {
          const lines = await linesFrom(path(segment.number), cursor.offset, segment.bytes, most);
          const sizes = lines.map((line) => ({ bytes: Buffer.byteLength(line, 'utf8') + 1 }));
          cursor.offset += sizes.reduce((sum, { bytes }) => sum + bytes, 0);
          given.push(...sizes);
          return lines;
        }
        const following = segments[index + 1];
        if (following === undefined) return [];
        cursor = { segment: following.number, offset: 0 };
      }
    },

    async done(count) {
      for (const { bytes } of given.splice(0, count)) {
        done += bytes;
        const [first] = segments;
        // The one that is written to is kept until it is full.
        if (first !== undefined && done >= first.bytes && first.bytes >= SEGMENT_BYTES) {
          segments.shift();
          await rm(path(first.number), { force: true });
          done = 0;
        }
      }
      await writeFile(join(folder, POSITION), `${segments[0]?.number ?? newest} ${done}\n`);
    },

    rewind,
  };
}

async function segmentsOf(folder: string, path: (number: number) => string): Promise<Segment[]> {
  const numbers = (await readdir(folder))
    .flatMap((name) => SEGMENT.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((one, other) => one - other);
  const segments: Segment[] = [];
  for (const number of numbers) {
    const content = await readFile(path(number));
    const whole = content.lastIndexOf(0x0a) + 1;
    if (whole < content.length) await truncate(path(number), whole);
    segments.push({ number, bytes: whole });
  }
  return segments;
}

async function positionOf(folder: string): Promise<{ number: number; offset: number }> {
  const written = await readFile(join(folder, POSITION), 'utf8').catch(() => '');
  const [, number = '0', offset = '0'] = /^(\d+) (\d+)\n$/.exec(written) ?? [];
  return { number: Number(number), offset: Number(offset) };
}

/** Whole lines from an offset on; at least one. */
async function linesFrom(path: string, from: number, to: number, most: number): Promise<string[]> {
  const file = await open(path, 'r');
  try {
    const bytes = Buffer.alloc(to - from);
    await file.read(bytes, 0, bytes.length, from);
    let end = 0;
    while (end < bytes.length && (end === 0 || end < most)) end = bytes.indexOf(0x0a, end) + 1;
    return bytes
      .subarray(0, end - 1)
      .toString('utf8')
      .split('\n');
  } finally {
    await file.close();
  }
}

/**
 * Appends and waits for the disk. What was written of it when that fails is taken back, so that no half message
 * is left. Throws `audit.file`.
 *
 * @param at length of the file before; undefined where others may append to it too
 */
export async function appendDurably(path: string, bytes: Uint8Array, at?: number): Promise<void> {
  try {
    const file = await open(path, 'a', 0o600);
    try {
      await file.writeFile(bytes);
      await file.datasync();
    } catch (error) {
      if (at !== undefined) await file.truncate(at).catch(() => {});
      throw error;
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new DeepHealthError('audit.file', undefined, { cause });
  }
}
