/** A second model reads along; it takes over and is taken back by config and SIGHUP. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseExposition } from '../peers/exposition.ts';
import { until } from '../peers/process.ts';
import { film, type StudyRow, startDaemon, studyOf, type TestDaemon } from './daemon.ts';

const SHIPPED = fileURLToPath(new URL('../../models/pneumonia-inception-v3', import.meta.url));

let folder: string;
let other: string;
/** The other model with a file that is not the one of its manifest. */
let broken: string;
let daemon: TestDaemon;

interface Row extends StudyRow {
  readonly shadow: readonly { readonly model: { readonly version: string }; readonly label: string | null }[];
  readonly readings: readonly (StudyRow['readings'][number] & {
    readonly model: { readonly version: string };
  })[];
}

/** The shipped model with a head that says the opposite, under a version of its own. */
async function otherModel(to: string): Promise<void> {
  await cp(SHIPPED, to, { recursive: true });
  const manifest = JSON.parse(await readFile(join(to, 'manifest.json'), 'utf8'));
  const head = await readFile(join(to, manifest.files.head.path));
  for (let at = 0; at < head.length; at += 4) head.writeFloatLE(-head.readFloatLE(at), at);
  await writeFile(join(to, manifest.files.head.path), head);
  manifest.files.head.sha256 = createHash('sha256').update(head).digest('hex');
  manifest.version = '99.0.0';
  await writeFile(join(to, 'manifest.json'), JSON.stringify(manifest));
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dh-shadow-'));
  other = join(folder, 'other');
  broken = join(folder, 'broken');
  await otherModel(other);
  await cp(other, broken, { recursive: true });
  await writeFile(join(broken, 'head.bin'), 'no head');
  daemon = await startDaemon({ config: { model: { threads: 1, shadow: other } } });
});

after(async () => {
  await daemon?.remove();
  await rm(folder, { recursive: true, force: true });
});

const rowOf = async (bytes: Uint8Array) => (await daemon.study(studyOf(bytes))) as Row | undefined;

async function reload(model: Record<string, unknown>, said: string): Promise<void> {
  const before = daemon.log.filter(({ msg }) => msg === said).length;
  await daemon.configure({ model: { threads: 1, ...model } });
  daemon.child.kill('SIGHUP');
  await until(said, async () => daemon.log.filter(({ msg }) => msg === said).length > before, 60_000);
}

test('the model beside is seen in the ledger and in its own metrics, and nowhere else', async () => {
  const one = film(9201);
  await daemon.push(one);
  await daemon.reaches(studyOf(one), 'delivered');
  await until('it has read along', async () => (await rowOf(one))?.shadow.length === 1);
  const row = await rowOf(one);
  assert.equal(row?.shadow[0]?.model.version, '99.0.0');
  assert.equal(row?.readings.length, 1);
  assert.notEqual(row?.readings[0]?.model.version, '99.0.0');
  // No result knows it: two reports, a heat map, a message, none of another model.
  assert.deepEqual(row?.objects.map(({ kind }) => kind).sort(), ['heat-map', 'oru', 'sr-air', 'sr-text']);
  const list = (await daemon.api('/api/studies')) as { studies: unknown[] };
  assert.doesNotMatch(JSON.stringify(list), /99\.0\.0|shadow/);
  const families = parseExposition(await (await fetch(`${daemon.url}/metrics`)).text());
  const sum = (name: string) => families.get(name)?.samples.reduce((all, { value }) => all + value, 0);
  assert.equal(sum('deephealth_shadow_films_total'), 1);
  assert.equal(sum('deephealth_films_read_total'), 1);
  const roles = families.get('deephealth_model_info')?.samples.map(({ labels }) => labels.role);
  assert.deepEqual(roles?.sort(), ['in-force', 'shadow']);
});

test('a model is taken over by reload, read with at once, and taken back the same way', async () => {
  await reload({ path: other }, 'The changed configuration is in force');
  const two = film(9202);
  await daemon.push(two);
  await daemon.reaches(studyOf(two), 'delivered');
  const upgraded = await rowOf(two);
  assert.equal(upgraded?.readings[0]?.model.version, '99.0.0');
  assert.deepEqual(upgraded?.shadow, []);

  await reload({}, 'The changed configuration is in force');
  const three = film(9203);
  await daemon.push(three);
  await daemon.reaches(studyOf(three), 'delivered');
  assert.notEqual((await rowOf(three))?.readings[0]?.model.version, '99.0.0');

  // What the taken-back model read is read again; the new reports name those they replace.
  await daemon.api(`/api/studies/${studyOf(two)}/retry`, { body: { reread: true } });
  await until('read again', async () => {
    const row = await rowOf(two);
    return row?.state === 'delivered' && row.run === 2;
  });
  const again = await rowOf(two);
  assert.notEqual(again?.readings.find(({ run }) => run === 2)?.model.version, '99.0.0');
  assert.equal(again?.objects.filter(({ kind }) => kind === 'sr-text').length, 2);
});

test('a reload with a broken shadow changes nothing at all', async () => {
  await reload({ path: other, shadow: broken }, 'The old configuration stays');
  const four = film(9204);
  await daemon.push(four);
  await daemon.reaches(studyOf(four), 'delivered');
  const row = await rowOf(four);
  assert.notEqual(
    row?.readings[0]?.model.version,
    '99.0.0',
    'the path of the refused config is not in force',
  );
});

test('an audit trail comes and goes by reload; one that cannot be written changes nothing', async () => {
  const path = join(folder, 'trail', 'audit.log');
  const withTrail = (audit: object, model: object = {}) => ({
    model: { threads: 1, ...model },
    observe: { log: { level: 'debug', pretty: 'never' }, audit },
  });
  const asked = async (config: Record<string, unknown>, said: string) => {
    const before = daemon.log.filter(({ msg }) => msg === said).length;
    await daemon.configure(config);
    daemon.child.kill('SIGHUP');
    await until(said, async () => daemon.log.filter(({ msg }) => msg === said).length > before, 60_000);
  };
  await asked(
    withTrail({ type: 'file', path: join(other, 'manifest.json', 'audit.log') }, { path: other }),
    'The old configuration stays',
  );
  assert.ok(daemon.log.some(({ code }) => code === 'audit.file'));
  await asked(withTrail({ type: 'file', path }), 'The changed configuration is in force');
  await daemon.api(`/api/studies/${studyOf(film(9201))}`);
  await until('the look is told', async () => /110103.*view|110103/.test(await readFile(path, 'utf8')));
  const trail = await readFile(path, 'utf8');
  assert.match(trail.split('\n')[0] ?? '', /110131/, 'the new trail begins with the change');
  assert.match(
    Buffer.from(/type="changed" value="([^"]+)"/.exec(trail)?.[1] ?? '', 'base64').toString(),
    /observe\.audit/,
  );
  await asked(withTrail({ type: 'none' }), 'The changed configuration is in force');
  assert.match(await readFile(path, 'utf8'), /110131[\s\S]*110131/, 'its end is told in it');
});

test('a shadow that cannot be opened at the start does not keep the service from reading', async () => {
  await daemon.configure({ model: { threads: 1, shadow: broken } });
  await daemon.end();
  await daemon.start();
  assert.ok(daemon.log.some(({ code, msg }) => code === 'model.digest' && /runs without it/.test(msg ?? '')));
  const five = film(9205);
  await daemon.push(five);
  await daemon.reaches(studyOf(five), 'delivered');
  assert.deepEqual((await rowOf(five))?.shadow, []);
});
