import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createFileMemory } from './file-memory.ts';

async function files(t: { after: (end: () => Promise<void>) => void }, ...contents: readonly Uint8Array[]) {
  const folder = await mkdtemp(join(tmpdir(), 'file-memory-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return Promise.all(
    contents.map(async (bytes, n) => {
      const path = join(folder, `${n}`);
      await writeFile(path, bytes);
      return path;
    }),
  );
}

const filled = (length: number, value: number) => new Uint8Array(length).fill(value);

test('a file is read whole, and a smaller one after it shows nothing of the larger', async (t) => {
  const contents = [filled(3_000_000, 7), filled(10, 9), new Uint8Array()];
  const memory = createFileMemory();
  const buffers = new Set<ArrayBufferLike>();
  for (const [n, path] of (await files(t, ...contents)).entries()) {
    await memory.withFile(path, async (bytes) => {
      buffers.add(bytes.buffer);
      assert.deepEqual(Uint8Array.from(bytes), contents[n]);
    });
  }
  assert.equal(buffers.size, 1, 'memory is used again');
});

test('files that are in use at the same time never share memory', async (t) => {
  const paths = await files(t, filled(2_000_000, 1), filled(1_500_000, 2), filled(100, 3));
  const memory = createFileMemory(2);
  for (let round = 0; round < 3; round += 1) {
    const all = Promise.withResolvers<void>();
    let open = 0;
    await Promise.all(
      paths.map((path, n) =>
        memory.withFile(path, async (bytes) => {
          open += 1;
          if (open === paths.length) all.resolve();
          await all.promise;
          assert.ok(bytes.every((value) => value === n + 1));
        }),
      ),
    );
  }
});

test('what is refused by its size is not read, and what fails leaves the memory in order', async (t) => {
  const [path = ''] = await files(t, filled(1000, 5));
  const memory = createFileMemory();
  const refuse = () => {
    throw new Error('too large');
  };
  await assert.rejects(
    memory.withFile(path, async () => assert.fail('it was read'), refuse),
    /too large/,
  );
  await assert.rejects(
    memory.withFile(path, () => Promise.reject(new Error('unreadable'))),
    /unreadable/,
  );
  await assert.rejects(
    memory.withFile(`${path}-missing`, async () => {}),
    { code: 'ENOENT' },
  );
  assert.equal(await memory.withFile(path, async (bytes) => bytes.length), 1000);
});
