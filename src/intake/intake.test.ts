import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { received, report, study, WORKER } from '../../test/contracts/studies.ts';
import { DEFAULT_RULES } from '../dicom/film/select-rules.ts';
import type { DicomWebClient } from '../dicom/web/client.ts';
import { DeepHealthError } from '../errors/error.ts';
import { openLedger } from '../ledger/ledger.ts';
import type { Ledger } from '../ledger/types.ts';
import { instanceUid, studyUid } from '../ledger/uids.ts';
import { createLog } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { instanceRole } from './film-classes.ts';
import { createLooks } from './looks.ts';
import { createOrphans, removeIfStill } from './orphans.ts';
import { dateWindow, startPolling } from './poll.ts';
import { createReceiveSink } from './receive.ts';
import { forgetStudy, sweepRetention } from './retention.ts';
import { createStorageWatch } from './storage-watch.ts';

const CR = '1.2.840.10008.5.1.4.1.1.1';
const SC = '1.2.840.10008.5.1.4.1.1.7';
const SR = '1.2.840.10008.5.1.4.1.1.88.33';
const DAY = 24 * 3_600_000;

let folder: DataFolder;
let ledger: Ledger;
let now = 1_800_000_000_000;
before(async () => {
  folder = await openDataFolder(await mkdtemp(join(tmpdir(), 'dh-intake-')));
  ledger = await openLedger(join(folder.path, 'ledger.sqlite'), { now: () => now });
});
after(async () => {
  await ledger.close();
  await rm(folder.path, { recursive: true });
});

test('films start a reading; our own reports and heat maps and other objects do not', () => {
  const digitiser = { ...DEFAULT_RULES, secondaryCapture: true };
  assert.equal(instanceRole({ sopClassUid: CR, modality: 'CR' }, DEFAULT_RULES), 'film');
  assert.equal(instanceRole({ sopClassUid: SR, modality: 'SR' }, digitiser), 'other');
  assert.equal(instanceRole({ sopClassUid: SC, modality: 'OT' }, digitiser), 'other');
  assert.equal(instanceRole({ sopClassUid: SC, modality: 'CR' }, digitiser), 'film');
  assert.equal(instanceRole({ sopClassUid: SC, modality: 'CR' }, DEFAULT_RULES), 'other');
  const heatmap = { '00080008': { vr: 'CS', Value: ['DERIVED', 'SECONDARY', 'HEATMAP'] } };
  assert.equal(instanceRole({ sopClassUid: SC, modality: 'CR', dataset: heatmap }, digitiser), 'other');
  assert.equal(instanceRole({ modality: 'DX' }, DEFAULT_RULES), 'film');
  assert.equal(instanceRole({}, DEFAULT_RULES), 'other');
});

test('a poll asks from some days back to tomorrow, over the end of a year too', () => {
  assert.deepEqual(dateWindow(new Date('2026-12-31T23:30:00Z'), 2), { from: '20261229', to: '20270101' });
});

test('storage is low below the reserve, also when the disk cannot be asked twice a second', async () => {
  let free = 1000;
  let asked = 0;
  let reserve = 500;
  const disk = {
    free: async () => {
      asked += 1;
      return free;
    },
  };
  const watch = createStorageWatch(disk, () => reserve);
  assert.equal(await watch.low(), false);
  free = 100;
  assert.equal(await watch.low(), false, 'it was asked just now');
  assert.equal(asked, 1);
  reserve = 2000;
  assert.equal(await watch.low(), true);
});

test('a path of the ledger never leaves the data folder', () => {
  assert.throws(() => folder.absolute('../outside.dcm'), { code: 'storage.failed' });
  assert.throws(() => folder.absolute('/etc/passwd'), { code: 'storage.failed' });
  assert.equal(folder.relative(folder.absolute('films/a/b.dcm')), 'films/a/b.dcm');
});

test('a finished study is removed with its files after its retention, not before', async () => {
  const uid = studyUid('1.2.3');
  const path = 'films/kept/film.dcm';
  await mkdir(join(folder.films, 'kept'));
  await writeFile(folder.absolute(path), 'film');
  await mkdir(join(folder.outbox, uid));
  await ledger.studies.notice({ ...PUSHED, studyUid: uid, instances: [filmAt('0.1', path)] });
  await ledger.studies.settle(uid);
  const claim = await ledger.claims.claimNext({ worker: 'test', leaseMs: 1000 });
  assert.ok(claim !== undefined);
  await ledger.claims.skip(claim, { code: 'film.not-frontal', message: 'A lateral.' });
  now += DAY;
  assert.equal(await sweepRetention(ledger, folder, 30 * DAY, now), 0);
  now += 31 * DAY;
  assert.equal(await sweepRetention(ledger, folder, 30 * DAY, now), 1);
  assert.equal(await ledger.studies.get(uid), undefined);
  await assert.rejects(readdir(join(folder.films, 'kept')));
  await assert.rejects(readdir(join(folder.outbox, uid)));
});

/** Studies that were skipped, each with one film on disk; gives their folder, ledger and films. */
async function skipped(t: TestContext, numbers: readonly number[]) {
  const mine = await openDataFolder(await mkdtemp(join(tmpdir(), 'dh-intake-')));
  const own = await openLedger(join(mine.path, 'ledger.sqlite'), { now: () => now });
  t.after(async () => {
    await own.close();
    await rm(mine.path, { recursive: true });
  });
  const films: string[] = [];
  for (const number of numbers) {
    const [uid, home] = [studyUid(`1.2.4.${number}`), join(mine.films, `${number}`)];
    await mkdir(home);
    films.push(join(home, 'film.dcm'));
    await writeFile(join(home, 'film.dcm'), 'film');
    await own.studies.notice({
      ...PUSHED,
      studyUid: uid,
      instances: [filmAt(`${number}.1`, `films/${number}/film.dcm`)],
    });
    await own.studies.settle(uid);
    const claim = await own.claims.claimNext({ worker: 'test', leaseMs: 1000 });
    assert.ok(claim !== undefined);
    await own.claims.skip(claim, { code: 'film.not-frontal', message: 'A lateral.' });
  }
  return { mine, own, films };
}

const PUSHED = { source: { kind: 'receive', pacs: null }, priority: 'routine', settleAt: 0 } as const;

function filmAt(sop: string, path: string) {
  return {
    sopUid: instanceUid(`1.2.5.${sop}`),
    seriesUid: '1.2.3.0',
    sopClassUid: CR,
    role: 'film',
    location: { kind: 'file', path },
    sha256: null,
    bytes: null,
  } as const;
}

test('a late film that comes while its study is being removed finds the first films where they were', async (t) => {
  const { mine, own, films } = await skipped(t, [1]);
  now += 60 * DAY;
  const late = {
    retention: {
      ...own.retention,
      async expirable(options: Parameters<Ledger['retention']['expirable']>[0]) {
        const named = await own.retention.expirable(options);
        await own.studies.notice({
          ...PUSHED,
          studyUid: studyUid('1.2.4.1'),
          instances: [filmAt('1.2', 'films/1/late.dcm')],
        });
        return named;
      },
    },
  };
  assert.equal(await sweepRetention(late, mine, 30 * DAY, now), 0);
  assert.equal((await own.studies.get(studyUid('1.2.4.1')))?.status.state, 'settling');
  assert.equal(await readFile(films[0] ?? '', 'utf8'), 'film');
});

test('a film that the disk does not give up keeps its own study only, and is told of', async (t) => {
  const numbers = Array.from({ length: 52 }, (_, index) => index + 1);
  const { mine, own, films } = await skipped(t, numbers);
  // What cannot be removed like a file: more of it, and older, than what is taken at a time.
  for (const film of films.slice(0, 51)) {
    await rm(film);
    await mkdir(film);
  }
  now += 60 * DAY;
  const told: string[] = [];
  const removed = await sweepRetention(own, mine, 30 * DAY, now, (uid, { code }) =>
    told.push(`${uid} ${code}`),
  );
  assert.equal(removed, 1);
  assert.equal(told.length, 51);
  assert.equal(told[0], '1.2.4.1 storage.failed');
  assert.equal(await own.studies.get(studyUid('1.2.4.52')), undefined);
  assert.notEqual(await own.studies.get(studyUid('1.2.4.1')), undefined, 'nobody may forget where it lies');
  await assert.rejects(readFile(films[51] ?? ''));
});

test('a film whose study is forgotten while it comes in is not acknowledged', async (t) => {
  const { mine, own } = await skipped(t, []);
  const [study, received] = [studyUid('1.2.4.99'), join(mine.films, 'received.dcm')];
  await writeFile(received, 'film');
  const sink = createReceiveSink({
    ledger: {
      ...own,
      studies: {
        ...own.studies,
        async notice(notice: Parameters<Ledger['studies']['notice']>[0]) {
          await forgetStudy(own, mine, study, []);
          return own.studies.notice(notice);
        },
      },
    },
    folder: mine,
    storage: createStorageWatch(mine, () => 0),
    log: createLog({ level: 'error', pretty: 'never' }, {}),
    settleMs: () => 0,
    stopping: () => false,
  });
  const identity = {
    studyInstanceUid: study,
    seriesInstanceUid: '1.2.3',
    sopInstanceUid: '1.2.4',
    sopClassUid: CR,
    transferSyntaxUid: '1.2.840.10008.1.2.1',
  };
  const accepted = await sink.accept({
    identity,
    path: received,
    size: 4,
    sha256: 'f'.repeat(64),
    last: true,
  });
  assert.equal(accepted.kind, 'refused');
});

test('a promised look outlives the process and an archive that is away, and is made once', async () => {
  let away = true;
  let asked = 0;
  const archive = {
    name: 'archive',
    async searchInstances() {
      asked += 1;
      if (away) throw new DeepHealthError('web.unreachable');
      return [];
    },
  } as unknown as DicomWebClient;
  const failed: unknown[] = [];
  const parts = {
    ledger,
    archives: () => new Map([['archive', archive]]),
    select: () => DEFAULT_RULES,
    onFailed: (_: unknown, error: unknown) => failed.push((error as DeepHealthError).code),
  };
  await createLooks(parts).promise({ studyUid: studyUid('1.2.9'), pacs: 'archive', priority: 'routine' });
  const looks = createLooks(parts);
  assert.equal(await looks.make(), true);
  assert.deepEqual(failed, ['web.unreachable']);
  away = false;
  assert.equal(await looks.make(), true);
  assert.equal(await looks.make(), false);
  assert.equal(asked, 2);
});

test('a look that an archive never answers is given up after seven days of tries, and the history says so', async (t) => {
  const { own } = await skipped(t, [7]);
  const uid = studyUid('1.2.4.7');
  const ended: unknown[] = [];
  const failed: unknown[] = [];
  const archive = {
    name: 'archive',
    async searchInstances() {
      throw new DeepHealthError('web.timeout');
    },
  } as unknown as DicomWebClient;
  const looks = createLooks({
    ledger: own,
    archives: () => new Map([['archive', archive]]),
    select: () => DEFAULT_RULES,
    onFailed: (_, error) => failed.push((error as DeepHealthError).code),
    onGivenUp: ({ studyUid }, { code }) => ended.push([studyUid, code]),
    now: () => now,
  });
  await looks.promise({ studyUid: uid, pacs: 'archive', priority: 'routine' });
  assert.equal(await looks.make(), true);
  assert.equal(await looks.make(), false, 'not at once');
  now += 8 * DAY;
  assert.equal(await looks.make(), true);
  assert.deepEqual(ended, [], 'the service was off meanwhile: that is no try');
  let tries = 2;
  for (; ended.length === 0; tries++) {
    assert.ok(tries < 100, 'it is tried for ever');
    now += 60_000;
    assert.equal(await looks.make(), true);
  }
  assert.equal(tries, 50);
  assert.deepEqual(failed, Array(49).fill('web.timeout'));
  assert.deepEqual(ended, [[uid, 'study.look-given-up']]);
  now += DAY;
  assert.equal(await looks.make(), false);
  const history = await own.studies.history(uid);
  const told = history?.events.at(-1);
  assert.deepEqual(
    [told?.kind, told?.subject, told?.reason?.code],
    ['look-given-up', 'archive', 'study.look-given-up'],
  );
  assert.match(told?.reason?.message ?? '', /web\.timeout/);
  assert.equal(history?.study.status.state, 'skipped', 'what is known of the study stays');
});

test('a look at an archive that was taken out of the configuration is not lost: it may be put back', async (t) => {
  const { own } = await skipped(t, [8]);
  const archives = new Map<string, DicomWebClient>();
  const failed: unknown[] = [];
  const looks = createLooks({
    ...{ ledger: own, archives: () => archives, select: () => DEFAULT_RULES, now: () => now },
    onFailed: (_, error) => failed.push((error as DeepHealthError).code),
  });
  for (const pacs of ['archive', null]) {
    await looks.promise({ studyUid: studyUid('1.2.4.8'), pacs, priority: 'routine' });
    assert.equal(await looks.make(), true);
  }
  assert.deepEqual(failed, ['study.no-pacs', 'study.no-pacs']);
  let asked = 0;
  const searchInstances = async () => {
    asked += 1;
    return [];
  };
  archives.set('archive', { name: 'archive', searchInstances } as unknown as DicomWebClient);
  now += 60_000;
  assert.equal(await looks.make(), true);
  assert.equal(asked, 1);
});

test('an archive that is away hides none that has the study, and its failed looks hold up no other', async (t) => {
  const { own } = await skipped(t, [9]);
  const asked: string[] = [];
  const archive = (name: string, answer: () => unknown[]) => ({
    name,
    async searchInstances() {
      asked.push(name);
      return answer();
    },
  });
  const away = archive('old', () => {
    throw new DeepHealthError('web.unreachable');
  });
  const archives = new Map<string, DicomWebClient>([
    ['old', away as unknown as DicomWebClient],
    ['new', archive('new', () => []) as unknown as DicomWebClient],
  ]);
  const looks = createLooks({
    ...{ ledger: own, archives: () => archives, select: () => DEFAULT_RULES, now: () => now },
  });
  // Twenty at the one that is away, then one anywhere and one at the one that answers: all of them in one go.
  for (let i = 1; i <= 20; i += 1) {
    await looks.promise({ studyUid: studyUid(`1.2.5.${i}`), pacs: 'old', priority: 'routine' });
  }
  await looks.promise({ studyUid: studyUid('1.2.4.9'), pacs: null, priority: 'routine' });
  await looks.promise({ studyUid: studyUid('1.2.5.99'), pacs: 'new', priority: 'routine' });
  let made = 0;
  while (await looks.make()) {
    made += 1;
    assert.ok(made <= 22, 'a look that failed is made again at once');
  }
  assert.equal(made, 22);
  assert.equal(asked.filter((name) => name === 'new').length, 2);
});

test('a film that is sent again at the moment when its orphan is removed stays, whenever the process is killed', async (t) => {
  const mine = await openDataFolder(await mkdtemp(join(tmpdir(), 'dh-orphans-')));
  t.after(() => rm(mine.path, { recursive: true }));
  const home = join(mine.films, 'study');
  await mkdir(home);
  const file = join(home, 'film.dcm');
  await writeFile(file, 'film');
  const { ino, ctimeNs } = await stat(file, { bigint: true });
  const orphan = `${ino} ${ctimeNs}`;
  await writeFile(join(home, 'again'), 'film');
  await rename(join(home, 'again'), file);
  assert.equal(await removeIfStill(file, orphan), false);
  assert.equal(await readFile(file, 'utf8'), 'film');
  const now = await stat(file, { bigint: true });
  assert.equal(await removeIfStill(file, `${now.ino} ${now.ctimeNs}`), true);
  assert.deepEqual(await readdir(home), []);

  await writeFile(`${file}.aside`, 'film');
  const orphans = createOrphans(mine, ledger);
  assert.equal(await orphans.sweep(), 0);
  assert.deepEqual(await readdir(home), ['film.dcm'], 'it has its name back');
  await writeFile(`${file}.aside`, 'film');
  await orphans.sweep();
  assert.deepEqual(await readdir(mine.films), [], 'and is an orphan like any other');
});

test('a film on disk that the ledger never heard of goes at the second sweep, a recorded one stays', async (t) => {
  const mine = await openDataFolder(await mkdtemp(join(tmpdir(), 'dh-intake-')));
  t.after(() => rm(mine.path, { recursive: true }));
  const home = join(mine.films, 'killed-over');
  await mkdir(home);
  const [orphan, again, recorded] = ['orphan', 'again', 'recorded'].map((name) => join(home, `${name}.dcm`));
  assert.ok(orphan && again && recorded);
  for (const file of [orphan, again, recorded]) await writeFile(file, 'film');
  await ledger.studies.notice({
    studyUid: studyUid('1.2.77'),
    source: { kind: 'receive', pacs: null },
    priority: 'routine',
    settleAt: null,
    instances: [
      {
        sopUid: instanceUid('1.2.77.1'),
        seriesUid: '1.2.77.2',
        sopClassUid: '1.2.840.10008.5.1.4.1.1.1',
        role: 'film',
        location: { kind: 'file', path: mine.relative(recorded) },
        sha256: null,
        bytes: null,
      },
    ],
  });
  // One that was being received; its time says nothing, since the clock may have been set forward.
  await writeFile(join(mine.films, 'being-received.part'), 'fi');
  await utimes(join(mine.films, 'being-received.part'), 0, 0);
  const orphans = createOrphans(mine, ledger);
  assert.equal(await orphans.sweep(), 0, 'they may be on their way into the ledger');
  await writeFile(join(mine.films, 'being-received.part'), 'film');
  // Sent again meanwhile: another file under the same name, on its way into the ledger.
  await writeFile(`${again}.part`, 'film');
  await rename(`${again}.part`, again);
  assert.equal(await orphans.sweep(), 1);
  assert.deepEqual((await readdir(home)).toSorted(), ['again.dcm', 'recorded.dcm']);
  assert.equal(await orphans.sweep(), 2);
  assert.deepEqual(await readdir(home), ['recorded.dcm']);
  assert.deepEqual(await readdir(mine.films), ['killed-over']);
});

test('a sweep over many studies asks the ledger for many files at a time, and empties no folder too much', async (t) => {
  const mine = await openDataFolder(await mkdtemp(join(tmpdir(), 'dh-intake-')));
  t.after(() => rm(mine.path, { recursive: true }));
  const names = Array.from({ length: 450 }, (_, index) => `${index}`);
  for (const name of names) {
    await mkdir(join(mine.films, name));
    for (const film of ['a.dcm', 'b.dcm']) await writeFile(join(mine.films, name, film), '');
  }
  const sizes: number[] = [];
  // Of each study the first film has a row; of every ninth none has.
  const films = {
    async recorded(paths: readonly string[]) {
      sizes.push(paths.length);
      return new Set(paths.filter((path) => path.endsWith('a.dcm') && !/\/\d*9\//.test(path)));
    },
  } as unknown as Ledger['films'];
  const orphans = createOrphans(mine, { films });
  assert.equal(await orphans.sweep(), 0);
  assert.deepEqual(sizes, [200, 200, 200, 200, 100]);
  assert.equal(await orphans.sweep(), 450 + 45);
  const left = await readdir(mine.films);
  assert.equal(left.length, 405);
  for (const name of left) assert.deepEqual(await readdir(join(mine.films, name)), ['a.dcm']);
});

test('a result that was never recorded goes at the second sweep, a recorded one stays', async (t) => {
  const mine = await openDataFolder(await mkdtemp(join(tmpdir(), 'dh-intake-')));
  t.after(() => rm(mine.path, { recursive: true }));
  const [orphan, recorded] = [join(mine.results, 'orphan.dcm'), join(mine.results, 'recorded.dcm')];
  for (const file of [orphan, recorded]) await writeFile(file, 'heat map');
  await ledger.studies.notice(received(78));
  await ledger.studies.settle(study(78));
  const outcome = await ledger.claims.claim({ studyUid: study(78), run: 1 }, WORKER);
  assert.equal(outcome.kind, 'claimed');
  const made = report(78);
  const body = { kind: 'file', path: mine.relative(recorded) } as const;
  const objects = made.objects.map((object) => (object.kind === 'heat-map' ? { ...object, body } : object));
  await ledger.claims.report(outcome.claim, { ...made, objects });
  const orphans = createOrphans(mine, ledger);
  assert.equal(await orphans.sweep(), 0, 'it may be on its way into the ledger');
  assert.equal(await orphans.sweep(), 1);
  assert.deepEqual(await readdir(mine.results), ['recorded.dcm']);
});

test('a study that the archive cannot count or show keeps no other from being seen', async (t) => {
  const [broken, sound] = [studyUid('1.2.300'), studyUid('1.2.301')];
  const found = { studyDate: '20260101', modalities: ['DX'], dataset: {} };
  const archive = {
    name: 'archive',
    searchStudies: async () => [
      { ...found, studyInstanceUid: broken },
      { ...found, studyInstanceUid: sound, instanceCount: 1 },
    ],
    async searchInstances() {
      throw new DeepHealthError('web.answer-malformed');
    },
  } as unknown as DicomWebClient;
  const polled = Promise.withResolvers<string>();
  const poller = startPolling(
    { name: 'archive', poll: { schedule: '* * * * * *', days: 2, settlePolls: 2 } } as unknown as Parameters<
      typeof startPolling
    >[0],
    archive,
    {
      ledger,
      log: createLog({ level: 'error', pretty: 'never' }, {}),
      keyOf: () => 'key',
      metrics: { polled: (_pacs: string, outcome: string) => polled.resolve(outcome) } as unknown as Metrics,
      select: () => DEFAULT_RULES,
      storageLow: async () => false,
      publish: async () => {},
    },
  );
  t.after(() => poller.stop());
  assert.equal(await polled.promise, 'done');
  assert.equal((await ledger.studies.get(sound))?.status.state, 'settling');
});
