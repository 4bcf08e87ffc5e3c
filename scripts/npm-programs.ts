import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeWhole, peerCache } from './npm-peer.ts';

const SOURCE = fileURLToPath(new URL('../test/peers/programs', import.meta.url));

/**
 * Folder of the programs that test/peers/programs/package.json names, with their node_modules: pm2, which starts
 * the service in a test, and the schemas of Kubernetes and KEDA. Its name holds the lock file's digest.
 */
export function programsFolder(): string {
  const digest = createHash('sha256')
    .update(readFileSync(join(SOURCE, 'package-lock.json')))
    .digest('hex');
  return join(peerCache(), `programs-${digest.slice(0, 12)}`);
}

export function programsInstalled(): boolean {
  return existsSync(programsFolder());
}

/**
 * Installs them as their lock file says (npm checks each package's integrity; no install script runs). The
 * folder appears whole or not at all.
 *
 * @throws Error when a package cannot be had
 */
export function installPrograms(): void {
  makeWhole(programsFolder(), (scratch) => {
    for (const file of ['package.json', 'package-lock.json']) cpSync(join(SOURCE, file), join(scratch, file));
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'], {
      cwd: scratch,
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: 300_000,
    });
    return scratch;
  });
}
