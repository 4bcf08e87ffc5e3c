import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
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

/** Writes a part to `<base>.part` and syncs it. What the disk refuses fails this part alone. */
export async function writePart(
  part: Part,
  base: string,
  onFailure: (error: unknown) => void,
): Promise<WrittenPart> {
  const path = `${base}.part`;
  const digest = createHash('sha256');
  let size = 0;
  let failure: unknown;
  const head: Buffer[] = [];
  const file = await open(path, 'wx').catch((error: unknown) => {
    failure = error;
    return undefined;
  });
  let whole = false;
  try {
    for await (const chunk of part.body) {
      if (size < HEAD_BYTES) head.push(Buffer.from(chunk));
      size += chunk.length;
      if (failure !== undefined || file === undefined) continue;
      digest.update(chunk);
      await writeFully(file, chunk).catch((error: unknown) => {
        failure = error;
      });
    }
    if (failure === undefined)
      await file?.sync().catch((error: unknown) => {
        failure = error;
      });
    whole = true;
  } finally {
    await file?.close().catch(() => {});
    if (!whole || failure !== undefined) await rm(path, { force: true });
  }
  if (failure !== undefined) {
    onFailure(failure);
    return { kind: 'failed', reason: diskReason(failure), identity: identityOrNone(head) };
  }
  const identity = await identityOfFile(path).catch(() => undefined);
  return { kind: 'written', path, size, sha256: digest.digest('hex'), identity };
}

/** FileHandle.write may write less than asked. */
async function writeFully(
  file: { write(bytes: Uint8Array): Promise<{ bytesWritten: number }> },
  chunk: Uint8Array,
): Promise<void> {
  for (let rest = chunk; rest.length > 0; ) rest = rest.subarray((await file.write(rest)).bytesWritten);
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
  const full = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
  return full ? REASON.outOfResources : REASON.processingFailure;
}
