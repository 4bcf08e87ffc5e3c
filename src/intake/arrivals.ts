import { stat } from 'node:fs/promises';

/**
 * Files whose bytes this process hashed as they came. As long as the file system says that nothing touched one since, its
 * bytes need not be hashed again when it is read a moment later.
 */
export interface Arrivals {
  /** The file was written, with these bytes. */
  note(path: string, sha256: string): Promise<void>;
  /** Whether the file was noted with this digest, and is the same file with the same times and size as then. */
  isAsNoted(path: string, sha256: string): Promise<boolean>;
}

/** @param most files remembered; the oldest go first, and are hashed when they are read. */
export function createArrivals(most = 1000): Arrivals {
  const noted = new Map<string, string>();
  return {
    async note(path, sha256) {
      const identity = await identityOf(path);
      if (identity === undefined) return;
      noted.delete(path);
      noted.set(path, `${sha256} ${identity}`);
      const [oldest] = noted.keys();
      if (noted.size > most && oldest !== undefined) noted.delete(oldest);
    },
    async isAsNoted(path, sha256) {
      const before = noted.get(path);
      return before !== undefined && before === `${sha256} ${await identityOf(path)}`;
    },
  };
}

/** Whatever is done to a file, or put in its place, changes one of them. */
async function identityOf(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found && `${found.dev} ${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
}
