import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createFileMemory } from '../files/file-memory.ts';
import { createArrivals } from '../intake/arrivals.ts';
import { type DataFolder, openDataFolder } from '../intake/data-folder.ts';
import type { InstanceNotice } from '../ledger/types.ts';
import { instanceUid, studyUid } from '../ledger/uids.ts';
import { withFilm } from './gather.ts';

const STUDY = studyUid('1.2.3');
const BYTES = Buffer.from('the bytes of a film');
const DIGEST = createHash('sha256').update(BYTES).digest('hex');
let scratch = '';
let folder: DataFolder;

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'dh-gather-'));
  folder = await openDataFolder(scratch);
  await writeFile(join(scratch, 'film.dcm'), BYTES);
});
after(() => rm(scratch, { recursive: true, force: true }));

function film(path: string, sha256: string | null): InstanceNotice {
  return {
    sopUid: instanceUid('1.2.3.4'),
    seriesUid: '1.2.3.5',
    sopClassUid: '1.2.840.10008.5.1.4.1.1.1',
    role: 'film',
    location: { kind: 'file', path },
    ...{ sha256, bytes: null },
  };
}

/** No archive has anything. */
const gathering = () => ({
  ...{ folder, memory: createFileMemory(1) },
  archives: () => new Map(),
  select: () => ({ modalities: [], sopClasses: [] }) as never,
});

test('a film of the folder is given with its digest, whether or not one was recorded', async () => {
  for (const recorded of [DIGEST, null]) {
    const found = await withFilm(
      STUDY,
      film('film.dcm', recorded),
      gathering(),
      async ({ bytes, sha256 }) => ({
        text: Buffer.from(bytes).toString(),
        sha256,
      }),
    );
    assert.deepEqual(found, { text: BYTES.toString(), sha256: DIGEST });
  }
});

test('a film that nothing touched since it was hashed is not hashed again; one that was touched is', async () => {
  await writeFile(join(scratch, 'noted.dcm'), BYTES);
  const arrivals = createArrivals();
  // Another digest than it has, so that it shows whether it was computed.
  const other = '0'.repeat(64);
  await arrivals.note(join(scratch, 'noted.dcm'), other);
  const look = () =>
    withFilm(STUDY, film('noted.dcm', other), { ...gathering(), arrivals }, async ({ sha256 }) => sha256);
  assert.equal(await look(), other);
  await writeFile(join(scratch, 'noted.dcm'), 'other bytes');
  await assert.rejects(look(), { code: 'storage.film-gone' });
});

test('a file that is gone, or is another than was recorded, is not given', async () => {
  for (const instance of [film('nothing.dcm', null), film('film.dcm', '0'.repeat(64))]) {
    let uses = 0;
    const looked = withFilm(STUDY, instance, gathering(), async () => {
      uses += 1;
    });
    await assert.rejects(looked, { code: 'storage.film-gone' });
    assert.equal(uses, 0);
  }
});

test('what goes wrong with the film is no failure of the disk, and it is not looked for elsewhere', async () => {
  let uses = 0;
  const looked = withFilm(STUDY, film('film.dcm', DIGEST), gathering(), async () => {
    uses += 1;
    throw Object.assign(new Error('of the film'), { code: 'ENOENT' });
  });
  await assert.rejects(looked, { message: 'of the film' });
  assert.equal(uses, 1);
});

test('a folder where the film should be is a failure of the disk', async () => {
  await assert.rejects(
    withFilm(STUDY, film('.', null), gathering(), async () => 0),
    { code: 'storage.failed' },
  );
});
