import type { DataFolder } from './data-folder.ts';

export interface StorageWatch {
  /** Whether less than the reserve is free; what is there is asked for at most every second. */
  low(): Promise<boolean>;
  /** Bytes free when last asked. */
  readonly free: number | undefined;
}

const FRESH_MS = 1000;

/**
 * Watches the disk of the data folder. Intake stops below the reserve, so that what was accepted can still
 * be finished: reports and the ledger need room too.
 *
 * @param reserve bytes that must stay free, asked for each time since a reload may change it
 */
export function createStorageWatch(folder: Pick<DataFolder, 'free'>, reserve: () => number): StorageWatch {
  let free: number | undefined;
  let askedAt = 0;
  let asking: Promise<void> | undefined;

  async function ask(): Promise<void> {
    free = await folder.free();
    askedAt = performance.now();
  }

  return {
    get free() {
      return free;
    },
    async low() {
      if (free === undefined || performance.now() - askedAt > FRESH_MS) {
        asking ??= ask().finally(() => {
          asking = undefined;
        });
        await asking;
      }
      return (free ?? 0) < reserve();
    },
  };
}
