/**
 * Licence check of everything that is installed: each package names a licence from the list below, or it
 * fails. The list holds licences that allow use and redistribution in an Apache-2.0 product.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'CC-BY-4.0',
  'ISC',
  'MIT',
  'MIT-0',
  'Python-2.0',
  'Unlicense',
  'WTFPL',
  'Zlib',
]);

/** Packages whose own licence field is missing or not an SPDX expression, checked by a person. */
const CHECKED: Readonly<Record<string, string>> = {
  // libvips and its parts, dynamically linked and unmodified, shipped by sharp.
  '@img/sharp-libvips-linux-x64': 'LGPL-3.0-or-later',
  '@img/sharp-libvips-linuxmusl-x64': 'LGPL-3.0-or-later',
  // A tool of the tests, unmodified and never shipped.
  'axe-core': 'MPL-2.0',
};

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** True when an SPDX expression of OR / AND can be met by the allowed licences. */
function isAllowed(expression: string): boolean {
  const bare = expression.replaceAll(/[()]/g, '');
  return bare.split(/ OR /i).some((choice) => choice.split(/ AND /i).every((one) => ALLOWED.has(one.trim())));
}

function check(): string[] {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version?: string; license?: string; optional?: boolean }>;
  };
  const problems: string[] = [];
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (path === '') continue;
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const manifest = join(root, path, 'package.json');
    // Optional packages of other platforms are in the lock file but not on this machine.
    if (!existsSync(manifest)) continue;
    const { license, licenses } = JSON.parse(readFileSync(manifest, 'utf8')) as {
      license?: string | { type?: string };
      licenses?: { type?: string }[];
    };
    const named =
      typeof license === 'string'
        ? license
        : (license?.type ?? licenses?.map((one) => one.type).join(' OR '));
    if (CHECKED[name] !== undefined && CHECKED[name] === named) continue;
    if (named === undefined || !isAllowed(named)) {
      problems.push(`${name}@${entry.version ?? '?'}: ${named ?? 'no licence named'}`);
    }
  }
  return problems;
}

const problems = check();
for (const problem of problems) process.stderr.write(`licence not allowed: ${problem}\n`);
if (problems.length === 0) process.stdout.write('licences: all allowed\n');
process.exitCode = problems.length > 0 ? 1 : 0;
