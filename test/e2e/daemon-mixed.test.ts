/** Twenty studies as they come: films, laterals, other kinds, broken files; each ends where it belongs. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { element } from '../../src/dicom/phantom/header.ts';
import { type Orthanc, orthancInstalled, startOrthanc } from '../peers/orthanc.ts';
import { EVERY_SECOND, film, pacsConfig, startDaemon, studyOf, type TestDaemon } from './daemon.ts';

const skip = orthancInstalled() ? false : 'Orthanc is not installed';
let folder: string;
let orthanc: Orthanc;
let daemon: TestDaemon;

before(async () => {
  if (skip !== false) return;
  folder = await mkdtemp(join(tmpdir(), 'dh-mixed-'));
  orthanc = await startOrthanc();
  daemon = await startDaemon({
    config: {
      pacs: [pacsConfig(orthanc, EVERY_SECOND)],
      ris: [],
      server: { settle: '100 ms' },
    },
  });
});

after(async () => {
  await daemon?.remove();
  await orthanc?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

interface Case {
  readonly what: string;
  readonly files: readonly Uint8Array[];
  /** `film.not-frontal` stands for: ended with this reason. */
  readonly ends: 'delivered' | 'skipped' | 'failed';
  readonly reason?: string;
}

const CT = '1.2.840.10008.5.1.4.1.1.2';
/** More bits than the cells have. */
const IMPOSSIBLE = { '00280101': element('US', 20) };

const cases: readonly Case[] = [
  { what: 'a frontal film', files: [film(301)], ends: 'delivered' },
  { what: 'a CR film', files: [film(302, { kind: 'CR' })], ends: 'delivered' },
  { what: 'an adult, PA', files: [film(303, { subject: 'adult', height: 640 })], ends: 'delivered' },
  { what: 'MONOCHROME1', files: [film(304, { photometric: 'MONOCHROME1' })], ends: 'delivered' },
  { what: 'frontal and lateral', files: [film(305), film(305, { view: 'LL' })], ends: 'delivered' },
  {
    what: 'frontal and broken',
    files: [film(306), film(306, { instanceNumber: 2, attributes: IMPOSSIBLE })],
    ends: 'delivered',
  },
  { what: 'two frontal films', files: [film(307), film(307, { instanceNumber: 2 })], ends: 'delivered' },
  { what: 'a stat-like film of 16 bits', files: [film(308, { bits: 16 })], ends: 'delivered' },
  { what: 'a lateral', files: [film(309, { view: 'LL' })], ends: 'skipped', reason: 'film.not-frontal' },
  {
    what: 'another lateral',
    files: [film(310, { view: 'RL' })],
    ends: 'skipped',
    reason: 'film.not-frontal',
  },
  { what: 'an oblique', files: [film(311, { view: 'LAO' })], ends: 'skipped', reason: 'film.not-frontal' },
  {
    what: 'a hand',
    files: [film(312, { bodyPart: 'HAND', attributes: { '0008103E': element('LO', 'Hand') } })],
    ends: 'skipped',
    reason: 'film.body-part',
  },
  {
    what: 'a raw film',
    files: [film(313, { attributes: { '00080068': element('CS', 'FOR PROCESSING') } })],
    ends: 'skipped',
    reason: 'film.for-processing',
  },
  {
    what: 'a lateral and a hand',
    files: [film(314, { view: 'LL' }), film(314, { bodyPart: 'HAND' })],
    ends: 'skipped',
    reason: 'study.nothing-to-read',
  },
  {
    what: 'a film far too small',
    files: [film(315, { width: 256, height: 200 })],
    ends: 'skipped',
    reason: 'film.too-small',
  },
  {
    what: 'a digitised film that nobody asked for, beside a film',
    files: [film(316), film(316, { kind: 'SC' })],
    ends: 'delivered',
  },
  {
    what: 'a film whose header describes impossible pixels',
    files: [film(317, { attributes: IMPOSSIBLE })],
    ends: 'failed',
    reason: 'pixel.format-unsupported',
  },
  {
    what: 'a film with too few pixels',
    files: [film(318, { attributes: { '00280010': element('US', 1024) } })],
    ends: 'failed',
    reason: 'pixel.truncated',
  },
  {
    what: 'a CT image that a modality calls DX',
    files: [film(319, { attributes: { '00080016': element('UI', CT) } })],
    ends: 'skipped',
    reason: 'study.empty',
  },
  { what: 'one more film', files: [film(320)], ends: 'delivered' },
];

test('twenty mixed studies end in the right state with the right reason', { skip }, async () => {
  assert.equal(cases.length, 20);
  for (const { files } of cases) {
    for (const [index, file] of files.entries()) {
      const path = join(folder, `${studyOf(file)}-${index}.dcm`);
      await writeFile(path, file);
      // By REST: C-STORE would look into the pixels of the broken ones.
      await fetch(`${orthanc.restUrl}/instances`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(`${orthanc.username}:${orthanc.password}`).toString('base64')}`,
        },
        body: Buffer.from(file),
      }).then((answer) => {
        assert.equal(answer.status, 200, path);
        return answer.body?.cancel();
      });
    }
  }
  const ended: Record<string, string> = {};
  const expected: Record<string, string> = {};
  for (const { what, files, ends, reason } of cases) {
    const [first] = files;
    assert.ok(first !== undefined);
    const row = await daemon.reaches(studyOf(first), 'delivered', 'skipped', 'failed');
    ended[what] = row.state === 'delivered' ? 'delivered' : `${row.state}: ${row.reason?.code}`;
    expected[what] = reason === undefined ? ends : `${ends}: ${reason}`;
  }
  assert.deepEqual(ended, expected);
});

test('a film that was left out or could not be read says so beside one that was read', { skip }, async () => {
  const lateral = await daemon.study(studyOf(film(305)));
  assert.deepEqual(
    lateral?.films
      .filter(({ role }) => role === 'film')
      .map(({ selection }) => selection?.reason?.code ?? selection?.kind)
      .toSorted(),
    ['film.not-frontal', 'read'],
  );
  const broken = await daemon.study(studyOf(film(306)));
  assert.deepEqual(
    broken?.films
      .filter(({ role }) => role === 'film')
      .map(({ selection }) => selection?.kind)
      .toSorted(),
    ['read', 'unreadable'],
  );
  const two = await daemon.study(studyOf(film(307)));
  assert.equal(two?.readings.length, 2);
  assert.equal(two?.objects.filter(({ kind }) => kind === 'heat-map').length, 2);
  assert.equal(
    two?.objects.filter(({ kind }) => kind.startsWith('sr-')).length,
    2,
    'one report for the study',
  );
});

test('a CT study is not polled, and one that is announced is skipped', { skip }, async () => {
  const slice = film(330, {
    attributes: { '00080016': element('UI', CT), '00080060': element('CS', 'CT') },
  });
  const path = join(folder, 'ct.dcm');
  await writeFile(path, slice);
  await orthanc.storeScu([path]);
  const study = studyOf(slice);
  await daemon.api(`/api/studies/${study}`, { body: { source: 'orthanc' } });
  const row = await daemon.reaches(study, 'skipped');
  assert.equal(row.reason?.code, 'study.empty');
  assert.equal(row.events.find(({ kind }) => kind === 'noticed')?.subject, 'notify orthanc');
});

test('nothing of a patient and no UID stands in the log', { skip }, () => {
  const said = daemon.said.join('\n');
  assert.doesNotMatch(said, /Phantom\^|PHANTOM-\d|PHA0\d{3}|Referrer/);
  for (const { files } of cases) for (const file of files) assert.ok(!said.includes(studyOf(file)));
  assert.doesNotMatch(said, /2\.25\.\d{20}/);
});
