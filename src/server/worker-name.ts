import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

export interface WorkerName {
  readonly name: string;
  release(): Promise<void>;
}

const MOST = 256;

/**
 * A name for this process in the ledger: no other running process has it, and the next start on this machine
 * and data folder gets it again, so that what a killed process held is taken up at once.
 */
export async function takeWorkerName(folder: string): Promise<WorkerName> {
  const home = join(folder, 'workers');
  await mkdir(home, { recursive: true });
  const place = createHash('sha256').update(folder).digest('hex').slice(0, 6);
  for (let number = 1; number <= MOST; number += 1) {
    const path = join(home, `${hostname()}-${number}.pid`);
    if (await isHeld(path)) continue;
    await rm(path, { force: true });
    try {
      const file = await open(path, 'wx');
      await file.writeFile(String(process.pid));
      await file.close();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw error;
    }
    return { name: `${hostname()}-${place}-${number}`, release: () => rm(path, { force: true }) };
  }
  throw new Error(`More than ${MOST} processes use the data folder.`);
}

/** Whether a running process other than this one holds the file (in a container the pid is often the same). */
async function isHeld(path: string): Promise<boolean> {
  const pid = Number(await readFile(path, 'utf8').catch(() => ''));
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
