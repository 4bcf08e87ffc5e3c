/** The HTTP interface of `serve`, with nothing but its embedded defaults. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { drawPhantom } from '../../src/dicom/phantom/draw.ts';
import { until } from '../peers/process.ts';
import { film, instanceOf, startDaemon, studyOf, type TestDaemon } from './daemon.ts';

const run = promisify(execFile);
const PROGRAM = fileURLToPath(new URL('../../bin/deep-health.mjs', import.meta.url));
let daemon: TestDaemon;

before(async () => {
  daemon = await startDaemon();
});

after(() => daemon?.remove());

async function delivered(seed: number): Promise<string> {
  const file = film(seed);
  const answer = await daemon.push(file);
  assert.equal(answer.status, 200);
  await answer.body?.cancel();
  await daemon.reaches(studyOf(file), 'delivered');
  return studyOf(file);
}

/** `deep-health studies ...` beside the running service. */
async function studies(...args: readonly string[]): Promise<Record<string, unknown>[]> {
  const { stdout } = await run(process.execPath, [
    PROGRAM,
    'studies',
    ...args,
    '--json',
    '--config',
    join(daemon.folder, 'deep-health.yaml'),
  ]);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

interface Page {
  readonly studies: readonly { readonly study: string; readonly state: string }[];
  readonly next: string | null;
}

test('without a PACS and a RIS the results are files in the outbox', async () => {
  const study = await delivered(901);
  const names = await readdir(join(daemon.folder, 'outbox', study));
  assert.deepEqual(names.map((name) => name.replace(/^(2\.25\.\d+|DH[A-Z0-9]+)\./, '')).toSorted(), [
    'heatmap.dcm',
    'oru.hl7',
    'sr.dcm',
    'text.sr.dcm',
  ]);
});

test('the list is paged by its cursor and filtered by state', async () => {
  for (const seed of [902, 903]) await delivered(seed);
  const first = (await daemon.api('/api/studies?limit=2')) as Page;
  assert.equal(first.studies.length, 2);
  const second = (await daemon.api(`/api/studies?limit=2&cursor=${first.next}`)) as Page;
  const shown = [...first.studies, ...second.studies].map(({ study }) => study);
  assert.equal(new Set(shown).size, shown.length);
  const failed = (await daemon.api('/api/studies?state=failed')) as Page;
  assert.equal(failed.studies.length, 0);
  const answer = await fetch(`${daemon.url}/api/studies?cursor=nonsense`);
  assert.equal(answer.status, 400);
  assert.equal(((await answer.json()) as { error: { code: string } }).error.code, 'ledger.cursor-invalid');
});

test('predict answers with the JSON of classify and keeps nothing', async () => {
  const before = ((await daemon.api('/api/studies')) as Page).studies.length;
  const file = film(911);
  const dicom = await predict(file, 'application/dicom');
  assert.equal(dicom.status, 200);
  const reading = dicom.body as { probabilities: Record<string, number>; sopInstanceUid: string };
  assert.equal(reading.sopInstanceUid, instanceOf(file));
  const sum = Object.values(reading.probabilities).reduce((total, each) => total + each, 0);
  assert.ok(Math.abs(sum - 1) < 1e-6);
  const { pixels, width, height } = drawPhantom({ seed: 911, width: 600, height: 512, bits: 8 });
  const png = await sharp(Uint8Array.from(pixels), { raw: { width, height, channels: 1 } })
    .png()
    .toBuffer();
  const picture = await predict(png, 'image/png');
  assert.equal(picture.status, 200);
  assert.equal((picture.body as { sopInstanceUid: null }).sopInstanceUid, null);
  assert.equal(((await daemon.api('/api/studies')) as Page).studies.length, before);
});

async function predict(body: Uint8Array, type: string) {
  const answer = await fetch(`${daemon.url}/api/predict`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: Buffer.from(body),
  });
  return { status: answer.status, body: (await answer.json()) as unknown };
}

test('predict holds a few films at once and sends others away for a while', async () => {
  const { hostname, port } = new URL(daemon.url);
  const head = 'POST /api/predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/dicom\r\n';
  const slow: Socket[] = [];
  /** A request whose body does not come; one that finds no room changes nothing. */
  const hold = () => {
    const socket = connect(Number(port), hostname);
    // The service ends it, or we do: neither matters here.
    socket.on('error', () => {});
    socket.write(`${head}content-length: 100000\r\n\r\n`);
    slow.push(socket);
  };
  const answers = async (status: number) => (await predict(film(913), 'application/dicom')).status === status;
  try {
    await until('a film is sent away', async () => {
      for (let i = 0; i < 4; i += 1) hold();
      return await answers(503);
    });
  } finally {
    for (const socket of slow) socket.destroy();
  }
  await until('there is room again', () => answers(200));
});

test('what is no film gets a code, whatever the bytes are, and the service lives on', async () => {
  const cases: readonly (readonly [Uint8Array, string, number, RegExp])[] = [
    [randomBytes(5000), 'application/dicom', 422, /^file\./],
    [film(912).subarray(0, 3000), 'application/dicom', 422, /^file\.|^pixel\./],
    [film(912, { view: 'LL' }), 'application/dicom', 422, /^film\.not-frontal$/],
    [randomBytes(5000), 'image/png', 422, /^file\.|^picture\./],
    [new Uint8Array(), 'application/dicom', 422, /^file\.empty$/],
    [randomBytes(10), 'text/plain', 415, /^api\.media-type$/],
  ];
  for (const [bytes, type, status, code] of cases) {
    const answer = await predict(bytes, type);
    assert.equal(answer.status, status);
    assert.match((answer.body as { error: { code: string } }).error.code, code);
  }
  const pushed = await daemon.push(randomBytes(20_000));
  assert.equal(pushed.status, 409);
  await pushed.body?.cancel();
  // Not HTTP at all.
  await new Promise<void>((resolve) => {
    const socket = connect(Number(new URL(daemon.url).port), '127.0.0.1', () =>
      socket.write(randomBytes(4096)),
    );
    socket.on('error', () => {}).on('close', () => resolve());
    socket.resume();
  });
  assert.equal((await fetch(`${daemon.url}/livez`)).status, 200);
});

test('a radiologist’s word on a reading is kept with it', async () => {
  const study = await delivered(921);
  const answer = await fetch(`${daemon.url}/api/studies/${study}/feedback`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ agree: false, label: 'viral-pneumonia', comment: 'seen on the left' }),
  });
  assert.equal(answer.status, 201);
  await answer.body?.cancel();
  const { feedback } = (await daemon.api(`/api/studies/${study}`)) as { feedback: Record<string, unknown>[] };
  assert.equal(feedback[0]?.agree, false);
  assert.equal(feedback[0]?.label, 'viral-pneumonia');
  const wrong = await fetch(`${daemon.url}/api/studies/${study}/feedback`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ agree: 'yes' }),
  });
  assert.equal(wrong.status, 400);
  await wrong.body?.cancel();
});

test('what is not there, not allowed or not JSON has its status and code', async () => {
  const cases: readonly (readonly [string, RequestInit, number, string])[] = [
    ['/api/studies/1.2.3', {}, 404, 'api.not-found'],
    ['/api/studies/not-a-uid', {}, 400, 'ledger.uid-invalid'],
    ['/api/studies/1.2.3', { method: 'POST', body: '{}' }, 409, 'study.no-pacs'],
    ['/api/studies/1.2.3', { method: 'POST', body: '{' }, 400, 'api.bad-request'],
    ['/api/studies/1.2.3', { method: 'POST', body: '{"sourc":"x"}' }, 400, 'api.bad-request'],
    ['/api/studies/1.2.3/retry', { method: 'POST' }, 404, 'api.not-found'],
    ['/dicom-web/studies', {}, 405, 'api.method'],
    ['/api/studies/1.2.3', { method: 'DELETE' }, 405, 'api.method'],
    ['/api/studies/1.2.3/retry', {}, 405, 'api.method'],
    ['/livez', { method: 'POST' }, 405, 'api.method'],
    ['/nothing/here', {}, 404, 'api.not-found'],
  ];
  for (const [path, request, status, code] of cases) {
    const answer = await fetch(daemon.url + path, request);
    const body = (await answer.json()) as { error: { code: string } };
    assert.deepEqual([path, answer.status, body.error.code], [path, status, code]);
  }
});

test('the metrics count studies and hold no UID', async () => {
  const text = await (await fetch(`${daemon.url}/metrics`)).text();
  assert.match(text, /deephealth_studies\{state="delivered"\} [1-9]/);
  assert.match(text, /deephealth_films_read_total/);
  assert.match(text, /deephealth_deliveries_total\{destination="folder",object="oru"\} [1-9]/);
  assert.doesNotMatch(text, /2\.25\.\d/);
});

test('answers carry the headers that keep a browser safe', async () => {
  const answer = await fetch(`${daemon.url}/`);
  const policy = answer.headers.get('content-security-policy') ?? '';
  assert.match(policy, /default-src 'self'/);
  assert.doesNotMatch(policy, /unsafe|https?:|\*/);
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
  assert.doesNotMatch(await answer.text(), /<script(?![^>]* src=)|<style|\son\w+=|javascript:/);
  const list = await fetch(`${daemon.url}/api/studies`);
  assert.equal(list.headers.get('cache-control'), 'no-store');
  await list.body?.cancel();
});

test('the studies command lists, shows, rereads and forgets beside the running service', async () => {
  const study = await delivered(931);
  assert.ok((await studies('list', '--limit', '50')).some((row) => row.study === study));
  const [shown] = await studies('show', study);
  assert.match(String(shown?.logKey), /^s-[0-9a-f]{16}$/);
  assert.ok(daemon.log.some((line) => line.study === shown?.logKey));
  const [outcome] = await studies('retry', '--reread', study);
  assert.equal(outcome?.outcome, 'queued');
  await until('it was read again', async () => {
    const row = await daemon.study(study);
    return row?.run === 2 && row.state === 'delivered';
  });
  const again = await daemon.study(study);
  assert.equal(again?.objects.length, 4, 'the same model and films give the same objects, made once');
  const [forgotten] = await studies('forget', study);
  assert.equal(forgotten?.forgotten, true);
  assert.equal(await daemon.study(study), undefined);
  await assert.rejects(readdir(join(daemon.folder, 'outbox', study)));
  await assert.rejects(studies('show', study), { code: 1 });
});

test('the same film twice is one reading; other bytes under its UID are refused', async () => {
  const study = await delivered(941);
  const same = await daemon.push(film(941));
  assert.equal(same.status, 200);
  await same.body?.cancel();
  const other = film(941, {
    uids: { instance: instanceOf(film(941)) },
    attributes: { '00081030': { vr: 'LO', Value: ['other'] } },
  });
  const refused = await daemon.push(other);
  assert.equal(refused.status, 409);
  const [body] = [await refused.json()].flat() as Record<
    string,
    { Value: Record<string, { Value: number[] }>[] }
  >[];
  assert.equal(body?.['00081198']?.Value[0]?.['00081197']?.Value[0], 0x0111);
  const row = await daemon.reaches(study, 'delivered');
  assert.equal(row.run, 1);
});
