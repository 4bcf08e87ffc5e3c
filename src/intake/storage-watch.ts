import type { Room } from '../files/room.ts';
import type { DataFolder } from './data-folder.ts';

export interface StorageWatch {
  /** Whether intake has to stop; what is there is asked for at most every second. */
  low(): Promise<boolean>;
  /** Whether so many bytes more would leave the reserve free now. Nothing is set aside for them. */
  fits(bytes: number): Promise<boolean>;
  /** Room for one file, of which nothing is taken yet. */
  room(): Room;
  /** Bytes free when last asked. */
  readonly free: number | undefined;
}

const FRESH_MS = 1000;
/** Room is set aside in steps of this. What a file takes beside its bytes (blocks, folders) is in the rest of its last. */
const STEP_BYTES = 2 ** 20;
/** A film has about this size at most: intake that has less room than what it just refused, up to this, has stopped. */
const FILM_BYTES = 32 * 2 ** 20;
/** How long the file that began first waits for the others to make room. */
const PATIENCE_MS = 5000;

/**
 * Watches the disk of the data folder. Intake stops below the reserve, so that what was accepted can still
 * be finished: reports and the ledger need room too.
 *
 * Files that are written side by side share what is above the reserve: each step of each is set aside before it is
 * written, and counts until the file is synced. Until then a file system may or may not show it as taken, so near the
 * reserve less is taken in than there would be room for, never more by this process (docs/decisions/0171). Where the room ends, those that
 * began later are refused, and the one that began first goes on with what they leave: or all of them would be.
 *
 * @param reserve bytes that must stay free, asked for each time since a reload may change it
 */
export function createStorageWatch(folder: Pick<DataFolder, 'free'>, reserve: () => number): StorageWatch {
  let free: number | undefined;
  let askedAt = 0;
  let asking: Promise<void> | undefined;
  /** Set aside for files that are being written. */
  let held = 0;
  /** Of files that ended after `free` was asked for: it may not show them yet. */
  let ended = 0;
  /** What was refused last, until there is room for it. */
  let missing = 0;
  /** Files that took room, in the order in which they began to. */
  const writing = new Set<object>();
  let oneEnds = Promise.withResolvers<void>();

  function ask(): Promise<void> {
    asking ??= (async () => {
      const shown = ended;
      free = await folder.free();
      ended -= shown;
      askedAt = performance.now();
    })().finally(() => {
      asking = undefined;
    });
    return asking;
  }

  const isFresh = () => free !== undefined && performance.now() - askedAt <= FRESH_MS;
  const left = () => (free ?? 0) - reserve() - held - ended;

  /** Sets bytes aside, in the same turn in which it sees that there is room for them; false where there is none. */
  async function hold(bytes: number): Promise<boolean> {
    if (!isFresh() || bytes > left()) await ask();
    // A file that ended while the disk was asked may be counted twice.
    if (bytes > left() && ended > 0) await ask();
    if (bytes > left()) return false;
    held += bytes;
    return true;
  }

  /** @param whole bytes of the film that is refused, as far as they are known */
  function refuse(whole: number): false {
    missing = Math.min(whole, FILM_BYTES);
    return false;
  }

  return {
    get free() {
      return free;
    },
    async low() {
      if (!isFresh()) await ask();
      if (left() >= missing) missing = 0;
      return (free ?? 0) < reserve() || missing > 0;
    },
    async fits(bytes) {
      if (!(await hold(bytes))) return refuse(bytes);
      held -= bytes;
      return true;
    },
    room() {
      const self = {};
      let taken = 0;
      let used = 0;
      let open = true;
      return {
        async take(bytes) {
          used += bytes;
          const more = Math.ceil((used - taken) / STEP_BYTES) * STEP_BYTES;
          if (more <= 0) return true;
          let patience: AbortSignal | undefined;
          while (!(await hold(more))) {
            const [first] = writing;
            patience ??= AbortSignal.timeout(PATIENCE_MS);
            if (first !== self || writing.size === 1 || patience.aborted) return refuse(taken + more);
            await Promise.race([oneEnds.promise, aborted(patience)]);
          }
          writing.add(self);
          taken += more;
          return true;
        },
        end() {
          if (!open) return;
          open = false;
          held -= taken;
          ended += taken;
          writing.delete(self);
          oneEnds.resolve();
          oneEnds = Promise.withResolvers();
        },
      };
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
