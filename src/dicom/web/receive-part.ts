import { createHash } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { DeepHealthError } from '../../errors/error.ts';
import type { Room } from '../../files/room.ts';
import { type InstanceIdentity, identityOf, identityOfFile } from './identity.ts';
import type { Part } from './multipart.ts';
import { REASON } from './store-response.ts';

/** A part that was read to its end: in a file, or not kept, with a Failure Reason for its sender. */
export type WrittenPart =
  | {
      readonly kind: 'written';
      readonly path: string;
      readonly size: number;
      readonly sha256: string;
      readonly identity: InstanceIdentity | undefined;
    }
  | { readonly kind: 'failed'; readonly reason: number; readonly identity: InstanceIdentity | undefined };

/**
 * Writes a part to `<base>.part` and syncs it. What the disk refuses fails this part alone.
 *
 * @param room asked before anything is written; held until the file is synced or removed. Without it nobody is asked.
 */
export async function writePart(
  part: Part,
  base: string,
  room: Room | undefined,
  onFailure: (error: unknown) => void,
): Promise<WrittenPart> {
  const path = `${base}.part`;
  const digest = createHash('sha256');
  let size = 0;
  let failure: unknown;
  const head: Buffer[] = [];
  const failed = (error: unknown) => {
    failure ??= error;
  };
  const file = await open(path, 'wx').catch((error: unknown) => {
    failed(error);
    return undefined;
  });
  const writing = file && writeBehind(file, failed);
  let ended = false;
  async function end(keep: boolean): Promise<void> {
    if (ended) return;
    ended = true;
    try {
      await writing?.end();
      await file?.close().catch(() => {});
      if (!keep) await rm(path, { force: true });
    } finally {
      room?.end();
    }
  }
  let whole = false;
  try {
    for await (const chunk of part.body) {
      if (size < HEAD_BYTES) head.push(Buffer.from(chunk));
      size += chunk.length;
      if (failure === undefined) await takeRoom(room, chunk.length).catch(failed);
      if (failure !== undefined || writing === undefined) {
        // Not at the end of the part, which a slow sender puts off: others may want the room.
        await end(false);
        continue;
      }
      digest.update(chunk);
      await writing.write(chunk);
    }
    await writing?.end();
    if (failure === undefined) await file?.sync().catch(failed);
    whole = true;
  } finally {
    await end(whole && failure === undefined);
  }
  if (failure !== undefined) {
    onFailure(failure);
    return { kind: 'failed', reason: diskReason(failure), identity: identityOrNone(head) };
  }
  const identity = await identityOfFile(path).catch(() => undefined);
  return { kind: 'written', path, size, sha256: digest.digest('hex'), identity };
}

/** Throws `storage.low`, and what asking the disk throws. */
async function takeRoom(room: Room | undefined, bytes: number): Promise<void> {
  if (room !== undefined && !(await room.take(bytes))) throw new DeepHealthError('storage.low');
}

/** What may wait to be written, in bytes: a sender that is quicker than the disk waits. */
const BEHIND_BYTES = 1024 * 1024;

/** Writes in order while the sender goes on; what came meanwhile is written together. */
function writeBehind(
  file: Pick<FileHandle, 'writev'>,
  failed: (error: unknown) => void,
): { write(chunk: Uint8Array): Promise<void>; end(): Promise<void> } {
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  let running: Promise<void> | undefined;

  async function drain(): Promise<void> {
    while (chunks.length > 0) {
      const together = chunks;
      chunks = [];
      bytes = 0;
      await writeFully(file, together);
    }
  }

  function start(): Promise<void> {
    running ??= drain()
      .catch(failed)
      .finally(() => {
        running = undefined;
      });
    return running;
  }

  return {
    async write(chunk) {
      chunks.push(chunk);
      bytes += chunk.length;
      const written = start();
      if (bytes > BEHIND_BYTES) await written;
    },
    async end() {
      // What came just as the last of it had been written has nobody to write it yet.
      while (running !== undefined || chunks.length > 0) await start();
    },
  };
}

/** FileHandle.writev may write less than asked. */
async function writeFully(file: Pick<FileHandle, 'writev'>, chunks: readonly Uint8Array[]): Promise<void> {
  let left = [...chunks];
  while (left.length > 0) {
    let { bytesWritten } = await file.writev(left);
    left = left.flatMap((chunk) => {
      const rest = chunk.subarray(Math.min(bytesWritten, chunk.length));
      bytesWritten -= chunk.length - rest.length;
      return rest.length > 0 ? [rest] : [];
    });
  }
}

const HEAD_BYTES = 64 * 1024;

/** With the disk nearly full nothing is written, but the sender is told which instance has to come again. */
export async function headOnly(part: Part): Promise<WrittenPart> {
  const head: Buffer[] = [];
  let size = 0;
  for await (const chunk of part.body) {
    if (size < HEAD_BYTES) head.push(Buffer.from(chunk));
    size += chunk.length;
  }
  return { kind: 'failed', reason: REASON.outOfResources, identity: identityOrNone(head) };
}

function identityOrNone(head: readonly Buffer[]): InstanceIdentity | undefined {
  try {
    return identityOf(Buffer.concat(head));
  } catch {
    return undefined;
  }
}

/** The Failure Reason of a failed write: no room, or anything else. */
export function diskReason(error: unknown): number {
  const code = (error as NodeJS.ErrnoException).code;
  const full = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG' || code === 'storage.low';
  return full ? REASON.outOfResources : REASON.processingFailure;
}
