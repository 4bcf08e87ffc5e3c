/**
 * `npm run bench:compare OLD NEW [--only WORDS]`: is the new commit slower than the old one?
 *
 * Both are checked out into scratch folders (with the installed packages), and a few quick figures are taken of
 * them in turns, so that the machine's mood is the same for both. The commands are driven from outside, as users
 * drive them: what is compared is what the commits have in common. A figure that is more than 25 % worse is taken
 * again, up to three times; the exit code is 1 when it is worse each time.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { mustRun, PRODUCT, runChild } from './child.ts';
import { filmFile, SYNTAXES } from './films.ts';
import { round } from './row.ts';
import { childrenProcessorMs, median } from './timing.ts';

const TOLERANCE = 1.25;
const TRIES = 3;
const ROUNDS = 3;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string' } },
});
const [oldName, newName] = positionals;
if (oldName === undefined || newName === undefined || positionals.length > 2) {
  process.stderr.write('npm run bench:compare OLD NEW, two commits\n');
  process.exit(2);
}

/** A commit in a folder of its own. */
interface Tree {
  readonly name: string;
  readonly folder: string;
}

/** One figure: processor or wall milliseconds, less is better. */
interface Compared {
  readonly what: string;
  measure(tree: Tree): Promise<number>;
}

const scratch = await mkdtemp(join(tmpdir(), 'deep-health-compare-'));
try {
  process.exitCode = await compare(await tree('old', oldName), await tree('new', newName));
} finally {
  await rm(scratch, { recursive: true, force: true });
}

/** The commit's files, without a trace in the repository. */
async function tree(name: string, commit: string): Promise<Tree> {
  const folder = join(scratch, name);
  await mkdir(folder);
  const archive = execFileSync('git', ['archive', '--format=tar', commit], {
    cwd: PRODUCT,
    maxBuffer: 2 ** 30,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  execFileSync('tar', ['-x', '-C', folder], { input: archive });
  await symlink(join(PRODUCT, 'node_modules'), join(folder, 'node_modules'));
  return { name: `${name} (${commit})`, folder };
}

async function compare(before: Tree, after: Tree): Promise<number> {
  const config = join(scratch, 'deep-health.yaml');
  await writeFile(config, `storage:\n  folder: ${scratch}/data\n`);
  let open = (await figures(config)).filter(({ what }) => what.includes(values.only ?? ''));
  const worse: string[] = [];
  for (let attempt = 1; attempt <= TRIES && open.length > 0; attempt += 1) {
    const again: Compared[] = [];
    for (const figure of open) {
      const found = { before: [] as number[], after: [] as number[] };
      for (let turn = -1; turn < ROUNDS; turn += 1) {
        const old = await figure.measure(before);
        const fresh = await figure.measure(after);
        // The first turn compiles and fills caches.
        if (turn >= 0) {
          found.before.push(old);
          found.after.push(fresh);
        }
      }
      const ratio = median(found.after) / median(found.before);
      const slower = ratio > TOLERANCE;
      process.stdout.write(
        `${figure.what.padEnd(58)} ${round(median(found.before)).padStart(6)} -> ${round(median(found.after)).padStart(6)} ms  ` +
          `× ${ratio.toFixed(2)}${slower ? `  slower, try ${attempt} of ${TRIES}` : ''}\n`,
      );
      if (slower) again.push(figure);
    }
    open = again;
  }
  worse.push(...open.map(({ what }) => what));
  process.stdout.write(
    worse.length === 0
      ? `Nothing is more than ${Math.round((TOLERANCE - 1) * 100)} % slower in ${after.name} than in ${before.name}.\n`
      : `Slower in ${after.name} than in ${before.name}, three times out of three: ${worse.join('; ')}.\n`,
  );
  return worse.length === 0 ? 0 : 1;
}

/** What is compared: commands, their options and films, which any two commits share. */
async function figures(config: string): Promise<Compared[]> {
  const program = ({ folder }: Tree) => join(folder, 'bin/deep-health.mjs');
  const plain = (await filmFile(1, 'uncompressed')) ?? '';
  const found: Compared[] = [
    {
      what: '--help, from start to end',
      measure: async (at) => (await mustRun(process.execPath, [program(at), '--help'])).wallMs,
    },
    {
      what: 'classify of one film, from start to end',
      measure: async (at) =>
        (await mustRun(process.execPath, [program(at), 'classify', plain, '--json', '--config', config]))
          .wallMs,
    },
  ];
  for (const syntax of SYNTAXES) {
    const file = await filmFile(1, syntax);
    if (file === undefined) continue;
    const films = Array.from({ length: 6 }, () => file);
    found.push({
      what: `classify --out of 6 films, ${syntax}, processor time`,
      async measure(at) {
        const out = join(scratch, 'out');
        const from = childrenProcessorMs();
        const args = [program(at), 'classify', ...films, '--config', config, '--out', out];
        const ended = await runChild(process.execPath, args);
        if (ended.code !== 0)
          throw new Error(`${at.name} cannot read ${syntax}: ${ended.stderr.slice(-300)}`);
        await rm(out, { recursive: true, force: true });
        return childrenProcessorMs() - from;
      },
    });
  }
  found.push({
    what: 'classify of 12 films, wall time',
    async measure(at) {
      const films = Array.from({ length: 12 }, () => plain);
      return (
        await mustRun(process.execPath, [program(at), 'classify', ...films, '--json', '--config', config])
      ).wallMs;
    },
  });
  return found;
}
