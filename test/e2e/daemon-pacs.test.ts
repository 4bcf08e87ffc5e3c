/** The whole way beside a real Orthanc and an independent RIS: polled, pushed, announced, corrected. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Orthanc, orthancInstalled, startOrthanc } from '../peers/orthanc.ts';
import { freePort } from '../peers/ports.ts';
import { until } from '../peers/process.ts';
import { type Ris, risInstalled, startRis } from '../peers/ris.ts';
import { dciodvfy, missingValidators } from '../peers/validators.ts';
import {
  EVERY_SECOND,
  fileFrom,
  film,
  orthancId,
  pacsConfig,
  resultsIn,
  risConfig,
  startDaemon,
  studyOf,
  type TestDaemon,
} from './daemon.ts';

const missing = !orthancInstalled() ? 'Orthanc' : !risInstalled() ? 'python3-hl7' : undefined;
const skip = missing === undefined ? false : `${missing} is not installed`;
const TOKEN = 'a-token-of-the-test-hook';
const PUSHER = { username: 'orthanc', password: 'push-password' };
const SIGN_IN = {
  users: [{ name: PUSHER.username, password: PUSHER.password }],
  tokens: [{ name: 'hook', token: TOKEN }],
};

let folder: string;
let orthanc: Orthanc;
let ris: Ris;
let daemon: TestDaemon;

before(async () => {
  if (skip !== false) return;
  folder = await mkdtemp(join(tmpdir(), 'dh-pacs-'));
  const port = await freePort();
  const hook = await readFile(new URL('../../deploy/orthanc/notify.lua', import.meta.url), 'utf8');
  const lua = hook
    .replace('http://127.0.0.1:8104', `http://127.0.0.1:${port}`)
    .replace("local token = ''", `local token = '${TOKEN}'`);
  orthanc = await startOrthanc({
    // The hook only tells of studies that the test marks, so that each test has one way in.
    lua: `${lua}\nlocal notify = OnStableStudy\nfunction OnStableStudy(id, tags, metadata)\n  if tags['StudyID'] == 'NOTIFY' then notify(id, tags, metadata) end\nend\n`,
    servers: {
      'deep-health': { url: `http://127.0.0.1:${port}/dicom-web/`, chunked: true, ...PUSHER },
      'deep-health-whole': { url: `http://127.0.0.1:${port}/dicom-web/`, chunked: false, ...PUSHER },
      stranger: { url: `http://127.0.0.1:${port}/dicom-web/`, chunked: true },
    },
    stableAge: 1,
  });
  ris = await startRis();
  daemon = await startDaemon({
    config: { server: { port, ...SIGN_IN }, pacs: [pacsConfig(orthanc)], ris: [risConfig(ris)] },
    authorization: `Bearer ${TOKEN}`,
  });
});

after(async () => {
  await daemon?.remove();
  await ris?.stop();
  await orthanc?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

async function store(...files: readonly Uint8Array[]): Promise<void> {
  for (const [index, file] of files.entries()) {
    const path = join(folder, `${studyOf(file)}-${index}.dcm`);
    await writeFile(path, file);
    await orthanc.storeScu([path]);
  }
}

async function messagesOf(study: string) {
  return (await ris.received()).filter(({ text }) => text.includes(study));
}

async function checkResults(study: string): Promise<void> {
  const row = await daemon.reaches(study, 'delivered');
  const results = await resultsIn(orthanc, study);
  assert.equal(results.reports.length, 2, 'two SRs are found by QIDO');
  assert.equal(results.heatmaps.length, 1, 'one heat map is found by QIDO');
  const messages = await messagesOf(study);
  assert.deepEqual(
    messages.map(({ accepted, mode }) => ({ accepted, mode })),
    [{ accepted: true, mode: 'AA' }],
  );
  assert.equal(row.readings.length, 1);
}

async function checkValid(uids: readonly string[]): Promise<void> {
  for (const uid of uids) {
    const path = join(folder, `${uid}.dcm`);
    await writeFile(path, await fileFrom(orthanc, uid));
    const { errors } = await dciodvfy(path);
    assert.deepEqual(errors, []);
  }
}

test('Orthanc pushes a film in both transfer modes: its jobs succeed and the results come back', {
  skip,
}, async () => {
  for (const [seed, server] of [
    [101, 'deep-health'],
    [102, 'deep-health-whole'],
  ] as const) {
    const file = film(seed);
    await store(file);
    const id = await orthancId(orthanc, studyOf(file));
    const job = (await orthanc.rest(`/dicom-web/servers/${server}/stow`, {
      body: { Resources: [id], Synchronous: false },
    })) as { ID: string };
    await until('the job ends', async () => {
      const { State } = (await orthanc.rest(`/jobs/${job.ID}`)) as { State: string };
      if (State === 'Failure') assert.fail('the push failed');
      return State === 'Success';
    });
    await checkResults(studyOf(file));
  }
});

test('an Orthanc without the password is turned away and sees its job fail', { skip }, async () => {
  const file = film(103);
  await store(file);
  const job = (await orthanc.rest('/dicom-web/servers/stranger/stow', {
    body: { Resources: [await orthancId(orthanc, studyOf(file))], Synchronous: false },
  })) as { ID: string };
  await until('the job fails', async () => {
    const { State } = (await orthanc.rest(`/jobs/${job.ID}`)) as { State: string };
    return State === 'Failure';
  });
  assert.equal(await daemon.study(studyOf(file)), undefined);
});

test('the webhook of a stable study has it read, and its second call after our results starts nothing', {
  skip,
}, async () => {
  const file = film(111, { attributes: { '00200010': { vr: 'SH', Value: ['NOTIFY'] } } });
  const study = studyOf(file);
  await store(file);
  await checkResults(study);
  // Our own results made the study change and become stable again: the hook calls once more.
  await until('the hook called again', async () => {
    const calls = daemon.log.filter(({ msg }) => msg === 'Notified of a study');
    return calls.length >= 2;
  });
  const row = await daemon.reaches(study, 'delivered');
  assert.equal(row.run, 1);
  assert.equal((await messagesOf(study)).length, 1);
});

test('a film stored by C-STORE is polled, read, and reported; the objects are valid', { skip }, async (t) => {
  await daemon.end();
  await daemon.configure({ pacs: [pacsConfig(orthanc, EVERY_SECOND)], ris: [risConfig(ris)] });
  await daemon.start();
  const file = film(121);
  await store(file);
  await checkResults(studyOf(file));
  if (missingValidators().length > 0) return t.skip(`${missingValidators().join(', ')} not installed`);
  const { reports, heatmaps } = await resultsIn(orthanc, studyOf(file));
  await checkValid([...reports, ...heatmaps]);
});

test('our own results in the archive start no reading while it is polled on', { skip }, async () => {
  const file = film(122);
  const study = studyOf(file);
  await store(file);
  await checkResults(study);
  // The poller has to have seen the study with our objects in it.
  await until('our objects are in the ledger', async () => {
    const row = await daemon.study(study);
    return row?.films.filter(({ role }) => role === 'other').length === 3;
  });
  const row = await daemon.reaches(study, 'delivered');
  assert.equal(row.run, 1);
  assert.equal((await messagesOf(study)).length, 1);
});

test('a late film has the study read again: new SRs that name the old ones, and a correction', {
  skip,
}, async () => {
  const first = film(131);
  const study = studyOf(first);
  await store(first);
  await checkResults(study);
  const before = await resultsIn(orthanc, study);
  await store(film(131, { finding: 'viral', instanceNumber: 2 }));
  await until('the second run is delivered', async () => {
    const row = await daemon.study(study);
    return row?.run === 2 && row.state === 'delivered';
  });
  const results = await resultsIn(orthanc, study);
  assert.equal(results.reports.length, 4);
  const fresh = results.reports.filter((uid) => !before.reports.includes(uid));
  const named = await Promise.all(
    fresh.map(async (uid) => (await fileFrom(orthanc, uid)).toString('latin1')),
  );
  for (const old of before.reports) {
    assert.ok(
      named.some((bytes) => bytes.includes(old)),
      'a new SR names its predecessor',
    );
  }
  await until('two messages came', async () => (await messagesOf(study)).length === 2);
  const [preliminary, correction] = await messagesOf(study);
  assert.equal(statusOf(preliminary?.text), 'P');
  assert.equal(statusOf(correction?.text), 'C');
});

/** OBR-25. */
function statusOf(message: string | undefined): string | undefined {
  return message
    ?.split(/[\r\n]+/)
    .find((segment) => segment.startsWith('OBR'))
    ?.split('|')[25];
}
