/**
 * `npm test`: prepares the real peers, runs every test, names what was skipped, and closes with the line
 * `N passed, N failed`. In CI (CI=true) a skipped test is a failure.
 *
 * Arguments are file paths or folders; without any, everything runs.
 */
import { globSync, statSync } from 'node:fs';
import { finished } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { preparePeers } from './peers.ts';

const PATTERNS = ['src', 'scripts', 'training', 'bench', 'test'].map((folder) => `${folder}/**/*.test.ts`);

function testFiles(asked: readonly string[]): string[] {
  if (asked.length === 0) return PATTERNS.flatMap((pattern) => globSync(pattern)).sort();
  return asked.flatMap((path) =>
    statSync(path).isDirectory() ? globSync(`${path}/**/*.test.ts`).sort() : [path],
  );
}

const inCi = process.env.CI === 'true';
const missing = preparePeers((line) => process.stdout.write(`${line}\n`));
for (const name of missing) process.stdout.write(`missing peer: ${name}\n`);

const files = testFiles(process.argv.slice(2));
let passed = 0;
const failed: string[] = [];
const skipped: string[] = [];

const stream = run({ files, concurrency: 2, timeout: 600_000 });
stream.on('test:pass', ({ name, skip, todo, details, file }) => {
  if (details.type === 'suite') return;
  if (skip !== undefined && skip !== false) skipped.push(`${name} (${String(skip)}) ${file ?? ''}`);
  else if (todo !== undefined && todo !== false) skipped.push(`${name} (to do) ${file ?? ''}`);
  else passed += 1;
});
stream.on('test:fail', ({ name, details, file }) => {
  if (details.type !== 'suite') failed.push(`${name} ${file ?? ''}`);
});
const printed = stream.compose(new spec());
printed.pipe(process.stdout);
await finished(printed);

for (const name of skipped) process.stdout.write(`skipped: ${name}\n`);
for (const name of failed) process.stdout.write(`failed: ${name}\n`);
const failures = failed.length + (inCi ? skipped.length : 0);
if (inCi && skipped.length > 0) process.stdout.write('a skipped test counts as failed in CI\n');
process.stdout.write(
  `${passed} passed, ${failures} failed${!inCi && skipped.length > 0 ? `, ${skipped.length} skipped` : ''}\n`,
);
process.exitCode = failures > 0 || passed === 0 ? 1 : 0;
