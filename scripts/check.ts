/**
 * `npm run check`: everything that is checked without running the product. Each step runs to its end, all
 * problems are shown, and the exit code is 1 if any step failed.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const STEPS: readonly { name: string; command: string; args: readonly string[] }[] = [
  { name: 'types', command: 'tsc', args: ['--noEmit'] },
  {
    name: 'types of the console',
    command: 'tsc',
    args: ['--noEmit', '--project', 'src/server/console/browser'],
  },
  { name: 'lint and formatting', command: 'biome', args: ['check', '--error-on-warnings', '.'] },
  { name: 'dead exports and dependencies', command: 'knip', args: [] },
  { name: 'licences', command: 'node', args: ['scripts/licences.ts'] },
  { name: 'docs/errors.md is current', command: 'node', args: ['scripts/errors-doc.ts', '--check'] },
  { name: 'config schema is current', command: 'node', args: ['scripts/config-schema.ts', '--check'] },
];

const failed: string[] = [];
for (const { name, command, args } of STEPS) {
  const started = performance.now();
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)\n`);
  if (status !== 0) failed.push(name);
}

// Every mirror must be able to serve the lock file, so no download address stands in it.
if (/"resolved":\s*"https?:/.test(readFileSync('package-lock.json', 'utf8'))) {
  process.stdout.write('FAILED package-lock.json holds download addresses\n');
  failed.push('lock file');
}
process.exitCode = failed.length > 0 ? 1 : 0;
