import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../peers/process.ts';

/** A real ext4 of its own whose power can be cut: whatever was not synced is gone then. */
export interface CuttableDisk {
  /** Where it is mounted. */
  readonly path: string;
  /**
   * Cuts the power: from now on nothing more reaches the disk, neither data nor journal
   * (EXT4_IOC_SHUTDOWN without a flush of the log; linux/include/uapi/linux/ext4.h).
   */
  cut(): Promise<void>;
  /** Mounts it again, as after a start of the machine. Whoever had files open on it has to be dead. */
  mountAgain(): Promise<void>;
  remove(): Promise<void>;
}

const MAKE = ['truncate', '-s', '512M'] as const;
const CUT = `
import fcntl, os, struct, sys
SHUTDOWN, WITHOUT_LOG_FLUSH = 0x8004587d, 2
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), SHUTDOWN, struct.pack('I', WITHOUT_LOG_FLUSH))
`;

/** Why no such disk can be had here; undefined where it can. */
export function whyNoDisk(): string | undefined {
  try {
    execFileSync('mkfs.ext4', ['-V'], { stdio: 'ignore' });
    execFileSync('losetup', ['-f'], { stdio: 'ignore' });
  } catch {
    return 'mkfs.ext4 or a loop device is not there';
  }
  return process.getuid?.() === 0 ? undefined : 'only root may mount';
}

export async function makeDisk(): Promise<CuttableDisk> {
  const folder = await mkdtemp(join(tmpdir(), 'dh-disk-'));
  const [image, path] = [join(folder, 'image'), join(folder, 'mounted')];
  await mkdir(path);
  await run(MAKE[0], [...MAKE.slice(1), image]);
  await run('mkfs.ext4', ['-q', '-F', image]);
  const mount = () => run('mount', ['-o', 'loop', image, path]);
  await mount();
  return {
    path,
    async cut() {
      await run('/usr/bin/python3', ['-c', CUT, path]);
    },
    async mountAgain() {
      await run('umount', [path]);
      await mount();
    },
    async remove() {
      await run('umount', [path]);
      await rm(folder, { recursive: true });
    },
  };
}
