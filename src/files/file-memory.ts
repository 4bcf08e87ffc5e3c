import { open } from 'node:fs/promises';
import { createSpareMemory } from './spare-memory.ts';

/** Reads files into memory that is used again. */
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
  const spare = createSpareMemory(most);
  return {
    async withFile(path, use, check) {
      const file = await open(path);
      let memory: ArrayBuffer | undefined;
      try {
        const { size } = await file.stat();
        check?.(size);
        memory = spare.take(size);
        const bytes = new Uint8Array(memory, 0, size);
        let length = 0;
        try {
          for (let read = -1; read !== 0 && length < size; length += read) {
            read = (await file.read(bytes, length, size - length, length)).bytesRead;
          }
        } finally {
          await file.close();
        }
        return await use(bytes.subarray(0, length));
      } finally {
        if (memory !== undefined) spare.give(memory);
        else await file.close();
      }
    },
  };
}
