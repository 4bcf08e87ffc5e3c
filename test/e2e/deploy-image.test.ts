import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { peerCache } from '../../scripts/npm-peer.ts';
import { freePort } from '../peers/ports.ts';
import { until } from '../peers/process.ts';
import { ROOT } from './compose.ts';
import { film } from './daemon.ts';
import { all, buildContext, copyInto, copyOf, readDockerfile } from './dockerfile.ts';

const stages = readDockerfile(join(ROOT, 'Dockerfile'));
const final = stages.at(-1) ?? { from: '', as: undefined, instructions: [] };
const context = buildContext(ROOT);
const packageJson = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly devDependencies: Readonly<Record<string, string>>;
};

describe('Dockerfile', () => {
  test('stands on the Node.js that package.json pins, in every stage', () => {
    for (const { from } of stages)
      assert.equal(from, `node:${packageJson.devDependencies.node}-bookworm-slim`);
  });

  test('runs as an account that is not root, with a health check and one command', () => {
    assert.deepEqual(all(final, 'USER'), ['1000:1000']);
    assert.equal(all(final, 'HEALTHCHECK').length, 1);
    assert.deepEqual(JSON.parse(all(final, 'ENTRYPOINT')[0] ?? ''), ['node', 'bin/deep-health.mjs']);
    assert.deepEqual(JSON.parse(all(final, 'CMD')[0] ?? ''), ['serve']);
    const order = final.instructions.map(({ name }) => name);
    assert.ok(order.lastIndexOf('RUN') < order.indexOf('USER'), 'nothing is changed as that account');
  });

  test('takes nothing from addresses, no secrets, no install scripts, no dependencies of development', () => {
    for (const stage of stages) {
      assert.deepEqual(all(stage, 'ADD'), []);
      for (const entry of [...all(stage, 'ENV'), ...all(stage, 'ARG')]) {
        assert.doesNotMatch(entry, /password|secret|token/i);
      }
      for (const command of all(stage, 'RUN')) {
        assert.doesNotMatch(command, /curl|wget|https?:/);
        if (command.includes('npm'))
          assert.match(command, /npm (ci --omit=dev --ignore-scripts|\/)|bin\/npm/);
      }
    }
  });

  test('copies what exists, and from stages that exist', () => {
    for (const stage of stages) {
      for (const rest of all(stage, 'COPY')) {
        const { from, sources } = copyOf(rest);
        if (from !== undefined)
          assert.ok(
            stages.some(({ as }) => as === from),
            from,
          );
        else {
          for (const source of sources) {
            assert.ok(
              context.some((file) => file === source || file.startsWith(`${source}/`)),
              source,
            );
          }
        }
      }
    }
  });
});

test('.dockerignore keeps tests, training, secrets and history out of the build', () => {
  const strangers = context.filter((file) =>
    /(^|\/)(\.git|node_modules|training|test|docs|bench|scripts|data|secrets)\/|\.test\.ts$/.test(file),
  );
  assert.deepEqual(strangers, []);
  assert.ok(context.length > 100);
});

/** The first stage's folder, made once for a lock file: installing is the slow part. */
function installed(): string {
  const [first] = stages;
  const commands = first === undefined ? [] : all(first, 'RUN');
  const lock = readFileSync(join(ROOT, 'package-lock.json'));
  const pin = createHash('sha256').update(lock).update(commands.join('\n')).digest('hex').slice(0, 16);
  const folder = join(peerCache(), `image-dependencies-${pin}`);
  if (existsSync(folder)) return folder;
  const scratch = `${folder}.${process.pid}`;
  mkdirSync(scratch, { recursive: true });
  for (const rest of first === undefined ? [] : all(first, 'COPY')) copyInto(ROOT, context, rest, scratch);
  for (const command of commands) {
    execFileSync('nice', ['-n', '10', 'sh', '-c', command], {
      cwd: scratch,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  }
  renameSync(scratch, folder);
  return folder;
}

describe('what the image holds', () => {
  let folder = '';
  let app = '';
  let node = '';
  const asRoot = process.getuid?.() === 0;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dh-image-'));
    app = join(folder, 'app');
    const dependencies = installed();
    mkdirSync(app);
    for (const rest of all(final, 'COPY')) {
      if (copyOf(rest).from === undefined) copyInto(ROOT, context, rest, app);
      else {
        // Linked, not copied, where both lie on one disk: 240 MB.
        execFileSync('sh', [
          '-c',
          'cp -al "$0" "$1" 2>/dev/null || cp -a "$0" "$1"',
          join(dependencies, 'node_modules'),
          app,
        ]);
      }
    }
    // An account without rights has to reach the program, too.
    node = join(folder, 'node');
    cpSync(process.execPath, node);
    chmodSync(node, 0o755);
    await chmod(folder, 0o755);
    execFileSync('chmod', ['-R', 'a-w,a+rX', app]);
    await mkdir(join(folder, 'tmp'));
    await chmod(join(folder, 'tmp'), 0o777);
  });
  after(async () => {
    if (app !== '') execFileSync('chmod', ['-R', 'u+w', app]);
    await rm(folder, { recursive: true, force: true });
  });

  /** The command line of a program as the image's account: in the image's folder, with nothing of ours around. */
  const asImage = (args: readonly string[]) => ({
    program: asRoot ? '/usr/bin/setpriv' : node,
    args: [...(asRoot ? ['--reuid=1000', '--regid=1000', '--clear-groups', '--', node] : []), ...args],
    options: { cwd: app, env: { NODE_ENV: 'production', TMPDIR: join(folder, 'tmp') } },
  });
  const runInImage = (...args: readonly string[]) => {
    const { program, args: words, options } = asImage(args);
    return spawnSync(program, words, { ...options, encoding: 'utf8' });
  };

  test('explains itself', () => {
    const { status, stdout, stderr } = runInImage('bin/deep-health.mjs', '--help');
    assert.equal(status, 0, stderr);
    assert.match(stdout, /classify/);
  });

  test('reads a film, as an account without rights in a tree that nobody may change', async () => {
    await writeFile(join(folder, 'film.dcm'), film(99), { mode: 0o644 });
    const { status, stdout, stderr } = runInImage(
      'bin/deep-health.mjs',
      'classify',
      join(folder, 'film.dcm'),
      '--json',
    );
    assert.equal(status, 0, stderr);
    const read = JSON.parse(stdout) as { readonly probabilities: Readonly<Record<string, number>> };
    assert.equal(Object.keys(read.probabilities).length, 3);
  });

  test('serves, passes its own health check, and ends at a signal', async () => {
    const port = await freePort();
    const config = join(folder, 'deep-health.yaml');
    const files = join(folder, 'tmp', 'data');
    await writeFile(
      config,
      JSON.stringify({
        server: { port },
        storage: { folder: files, reserve: '1 MiB' },
        ledger: join(files, 'ledger.sqlite'),
        model: { threads: 1 },
      }),
      { mode: 0o644 },
    );
    const { program, args, options } = asImage([
      'bin/deep-health.mjs',
      ...JSON.parse(all(final, 'CMD')[0] ?? '[]'),
    ]);
    const child = spawn(program, args, {
      ...options,
      env: { ...options.env, DEEP_HEALTH_CONFIG: config },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    try {
      const words = JSON.parse(
        /CMD (\[.*\])$/.exec(all(final, 'HEALTHCHECK')[0] ?? '')?.[1] ?? '[]',
      ) as string[];
      const check = words.slice(1).map((word) => word.replace(':8104', `:${port}`));
      assert.ok(check.at(-1)?.endsWith(`:${port}/livez`));
      await until('it is healthy', async () => runInImage(...check).status === 0, 120_000);
    } finally {
      child.kill('SIGTERM');
    }
    const [status] = await once(child, 'exit');
    assert.equal(status, 0, said);
  });
});
