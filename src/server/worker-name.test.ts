import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { takeWorkerName } from './worker-name.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dh-worker-'));
});
after(() => rm(folder, { recursive: true }));

test('a process that died leaves its name to the next start, a living one keeps it', async () => {
  const first = await takeWorkerName(folder);
  const [file] = await readdir(join(folder, 'workers'));
  const dead = spawn('true');
  await once(dead, 'exit');
  await writeFile(join(folder, 'workers', file ?? ''), String(dead.pid));
  assert.equal((await takeWorkerName(folder)).name, first.name);

  const living = spawn('sleep', ['60']);
  await writeFile(join(folder, 'workers', file ?? ''), String(living.pid));
  const second = await takeWorkerName(folder);
  assert.notEqual(second.name, first.name);
  living.kill();
  await once(living, 'exit');
  await second.release();
  assert.equal((await takeWorkerName(folder)).name, first.name);
});

test('processes that start together after a crash have names of their own', async () => {
  const home = await mkdtemp(join(tmpdir(), 'dh-worker-'));
  await (await takeWorkerName(home)).release();
  await writeFile(join(home, 'workers', `${hostname()}-1.pid`), '4194304');
  const program = `
    import { takeWorkerName } from ${JSON.stringify(new URL('./worker-name.ts', import.meta.url).href)};
    process.once('message', async () => process.send((await takeWorkerName(${JSON.stringify(home)})).name));
    process.send('ready');
    // Lives on, as a service does: the name of one that has ended is free.
    setInterval(() => {}, 60_000);`;
  const children = [1, 2, 3].map(() =>
    spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    }),
  );
  await Promise.all(children.map((child) => once(child, 'message')));
  const names = children.map(async (child) => {
    const [name] = await once(child, 'message');
    return name as string;
  });
  for (const child of children) child.send('go');
  assert.equal(new Set(await Promise.all(names)).size, 3);
  for (const child of children) child.kill();
  await Promise.all(children.map((child) => once(child, 'exit')));
  await rm(home, { recursive: true });
});

test('data folders on one machine have names of their own', async () => {
  const other = await mkdtemp(join(tmpdir(), 'dh-worker-'));
  assert.notEqual((await takeWorkerName(other)).name, (await takeWorkerName(folder)).name);
  await rm(other, { recursive: true });
});

test('a data folder in which nothing can be written is named as what is wrong', async (t) => {
  const broken = await mkdtemp(join(tmpdir(), 'dh-worker-'));
  t.after(() => rm(broken, { recursive: true }));
  await mkdir(join(broken, 'workers.lock'));
  await assert.rejects(takeWorkerName(broken), { code: 'service.folder' });
});
