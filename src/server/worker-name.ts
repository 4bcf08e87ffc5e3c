import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DeepHealthError } from '../errors/error.ts';

export interface WorkerName {
  readonly name: string;
  release(): Promise<void>;
}

const MOST = 256;
const LONGEST_WAIT_MS = 10_000;

/**
 * A name for this process in the ledger: no other running process has it, and the next start on this machine
 * and data folder gets it again, so that what a killed process held is taken up at once. Throws `service.folder`.
 */
export async function takeWorkerName(folder: string): Promise<WorkerName> {
  try {
    return takeName(folder);
  } catch (error) {
    // A full disk, most of all.
    throw new DeepHealthError('service.folder', undefined, { cause: error });
  }
}

function takeName(folder: string): WorkerName {
  const home = join(folder, 'workers');
  mkdirSync(home, { recursive: true });
  const place = createHash('sha256').update(folder).digest('hex').slice(0, 6);
  return alone(join(folder, 'workers.lock'), () => {
    for (let number = 1; number <= MOST; number += 1) {
      const path = join(home, `${hostname()}-${number}.pid`);
      if (isHeld(path)) continue;
      writeFileSync(path, String(process.pid));
      return { name: `${hostname()}-${place}-${number}`, release: () => rm(path, { force: true }) };
    }
    throw new Error(`More than ${MOST} processes use the data folder.`);
  });
}

/**
 * Does it while no other process does the same: after a crash several start at once and find the same names
 * free. SQLite's lock of a file ends with its process, whatever ends that.
 */
function alone<Result>(lock: string, work: () => Result): Result {
  const database = new DatabaseSync(lock, { timeout: LONGEST_WAIT_MS });
  try {
    database.exec('begin exclusive');
    return work();
  } finally {
    database.close();
  }
}

/** Whether a running process other than this one holds the file (in a container the pid is often the same). */
function isHeld(path: string): boolean {
  const pid = Number(contentOf(path));
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
