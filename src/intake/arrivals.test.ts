import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createArrivals } from './arrivals.ts';

async function fileOf(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'dh-arrivals-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'film.dcm');
  await writeFile(path, 'film');
  return path;
}

/** File systems count time in ticks of some milliseconds. */
const TICK_MS = 20;

test('a file that nothing touched is as it was noted, with the digest it was noted with', async (t) => {
  const path = await fileOf(t);
  const arrivals = createArrivals();
  assert.equal(await arrivals.isAsNoted(path, 'a'), false);
  await arrivals.note(path, 'a');
  assert.equal(await arrivals.isAsNoted(path, 'a'), true);
  assert.equal(await arrivals.isAsNoted(path, 'b'), false);
  assert.equal(await arrivals.isAsNoted(`${path}.other`, 'a'), false);
});

test('one that was written to, replaced or removed is not, whatever its times say', async (t) => {
  const path = await fileOf(t);
  const changes = [
    () => writeFile(path, 'mlif'),
    async () => {
      await writeFile(path, 'mlif');
      await utimes(path, 1, 1);
    },
    async () => {
      await writeFile(`${path}.part`, 'film');
      await rename(`${path}.part`, path);
    },
    () => rm(path),
  ];
  for (const change of changes) {
    const arrivals = createArrivals();
    await utimes(path, 1, 1);
    await arrivals.note(path, 'a');
    await sleep(TICK_MS);
    await change();
    assert.equal(await arrivals.isAsNoted(path, 'a'), false);
  }
});

test('only so many are remembered, the newest', async (t) => {
  const path = await fileOf(t);
  const arrivals = createArrivals(1);
  await arrivals.note(path, 'a');
  await writeFile(`${path}.2`, 'film');
  await arrivals.note(`${path}.2`, 'a');
  assert.deepEqual(
    [await arrivals.isAsNoted(path, 'a'), await arrivals.isAsNoted(`${path}.2`, 'a')],
    [false, true],
  );
});
