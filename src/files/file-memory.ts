import { open } from 'node:fs/promises';

/** Memory is taken in steps of this, so that files of about the same size fit into the same. */
const STEP = 2 ** 20;

/** Reads files into memory that is used again: fresh memory costs more than the reading, and keeps the collector busy. */
export interface FileMemory {
  /**
   * Reads a regular file whole and gives its bytes to `use`. They may be written over once that has settled: it must
   * not keep them, nor a view of them.
   *
   * @param check is told the size before anything is read; what it throws ends it.
   * @returns what `use` returned. @throws what it threw, or the error of the file system.
   */
  withFile<T>(
    path: string,
    use: (bytes: Uint8Array) => Promise<T>,
    check?: (bytes: number) => void,
  ): Promise<T>;
}

/** @param most pieces of memory kept for the next files. */
export function createFileMemory(most = 4): FileMemory {
  /** Smallest first. */
  const spare: Uint8Array[] = [];

  /** A piece of this size at least; when none is large enough, the smallest makes room for the new one. */
  function take(bytes: number): Uint8Array {
    const fitting = spare.findIndex((piece) => piece.length >= bytes);
    if (fitting >= 0) return spare.splice(fitting, 1)[0] as Uint8Array;
    if (spare.length >= most) spare.shift();
    return new Uint8Array(Math.max(1, Math.ceil(bytes / STEP)) * STEP);
  }

  function give(piece: Uint8Array): void {
    const larger = spare.findIndex(({ length }) => length > piece.length);
    spare.splice(larger < 0 ? spare.length : larger, 0, piece);
    if (spare.length > most) spare.shift();
  }

  return {
    async withFile(path, use, check) {
      const file = await open(path);
      let memory: Uint8Array | undefined;
      try {
        const { size } = await file.stat();
        check?.(size);
        memory = take(size);
        let length = 0;
        try {
          for (let read = -1; read !== 0 && length < size; length += read) {
            read = (await file.read(memory, length, size - length, length)).bytesRead;
          }
        } finally {
          await file.close();
        }
        return await use(memory.subarray(0, length));
      } finally {
        if (memory !== undefined) give(memory);
        else await file.close();
      }
    },
  };
}
