/**
 * A full run with everything that observes it: Orthanc, RIS, a syslog collector over TLS that is away for a
 * while, metrics, log. The audit trail names patients and studies, nothing else does.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseDicom } from '../../src/dicom/film/parse.ts';
import { patientBlock } from '../../src/reading/patient-block.ts';
import { auditSchemaErrors, jingInstalled } from '../peers/audit-schema.ts';
import { makeAuthority, type TestAuthority } from '../peers/certificates.ts';
import { parseExposition } from '../peers/exposition.ts';
import { type Orthanc, orthancInstalled, startOrthanc } from '../peers/orthanc.ts';
import { until } from '../peers/process.ts';
import { type Ris, startRis } from '../peers/ris.ts';
import { makeRsyslog, type Rsyslog, rsyslogInstalled } from '../peers/rsyslog.ts';
import { parseSyslog } from '../peers/syslog-reader.ts';
import {
  EVERY_SECOND,
  film,
  instanceOf,
  pacsConfig,
  risConfig,
  startDaemon,
  studyOf,
  type TestDaemon,
} from './daemon.ts';

const missing = [
  orthancInstalled() ? [] : ['Orthanc'],
  rsyslogInstalled() ? [] : ['rsyslog with TLS'],
  jingInstalled() ? [] : ['jing'],
].flat();
const skip = missing.length === 0 ? false : `${missing.join(', ')} not installed`;

const PASSWORD = 'a-long-password';
const basic = (password: string) => `Basic ${Buffer.from(`reader:${password}`).toString('base64')}`;

let folder: string;
let authority: TestAuthority;
let collector: Rsyslog;
let orthanc: Orthanc;
let ris: Ris;
let daemon: TestDaemon;
let config: Record<string, unknown>;
const one = film(9001);
const two = film(9002);

before(async () => {
  if (skip !== false) return;
  folder = await mkdtemp(join(tmpdir(), 'dh-audit-e2e-'));
  authority = await makeAuthority();
  const [server, client] = [await authority.issue('collector'), await authority.issue('deep-health')];
  collector = await makeRsyslog(server, authority);
  orthanc = await startOrthanc();
  ris = await startRis();
  config = {
    server: { users: [{ name: 'reader', password: PASSWORD }] },
    pacs: [pacsConfig(orthanc, EVERY_SECOND)],
    ris: [risConfig(ris)],
    observe: {
      log: { level: 'trace', pretty: 'never' },
      audit: {
        type: 'syslog',
        host: '127.0.0.1',
        port: collector.port,
        site: 'GENERAL',
        tls: { ca: authority.certPath, cert: client.certPath, key: client.keyPath },
      },
    },
  };
  daemon = await startDaemon({ config, authorization: basic(PASSWORD) });
});

after(async () => {
  await daemon?.remove();
  await ris?.stop();
  await orthanc?.stop();
  await collector?.stop();
  await authority?.remove();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

async function messages() {
  return (await collector.received()).map(parseSyslog);
}

/** Event, type and action of a message. */
function kindOf({ text }: { readonly text: string }): string {
  const codes = [...text.matchAll(/<(EventID|EventTypeCode) csd-code="(\d+)"/g)].map(([, , code]) => code);
  return [...codes, /EventActionCode="(.)"/.exec(text)?.[1]].join(' ');
}

async function store(bytes: Uint8Array): Promise<void> {
  const path = join(folder, 'film.dcm');
  await writeFile(path, bytes);
  await orthanc.storeScu([path]);
}

test('while the collector is away everything goes on, and what happened waits on disk', {
  skip,
}, async () => {
  await store(one);
  await daemon.reaches(studyOf(one), 'delivered');
  const wrong = await fetch(`${daemon.url}/api/studies`, {
    headers: { authorization: basic('wrong-password') },
  });
  assert.equal(wrong.status, 401);
  await wrong.body?.cancel();
  await daemon.api(`/api/studies/${studyOf(one)}/feedback`, { body: { agree: true } });
  await daemon.api(`/api/studies/${studyOf(one)}/retry`, { body: {} });
  assert.equal((await collector.received()).length, 0);
  const spooled = await readdir(join(daemon.folder, 'audit'), { recursive: true });
  assert.ok(spooled.some((name) => name.endsWith('.log')));
  assert.ok(daemon.log.some(({ code }) => code === 'audit.unreachable'));
});

test('when it is back it gets all of it, in order, by TLS with both certificates', { skip }, async () => {
  await collector.start();
  await until(
    'the trail arrives',
    async () => (await messages()).some((each) => kindOf(each) === '110106 R'),
    60_000,
  );
  await until(
    'feedback',
    async () => (await messages()).filter((each) => kindOf(each) === '110103 U').length >= 2,
  );
  const found = await messages();
  assert.equal(await auditSchemaErrors(found.map(({ text }) => text)), '');
  assert.equal(kindOf(found[0] ?? { text: '' }), '110100 110120 E', 'the start comes first');
  const times = found.map(({ at }) => at.getTime());
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
  const kinds = new Set(found.map(kindOf));
  for (const kind of ['110104 C', '110103 R', '110104 R', '110106 R', '110114 110122 E', '110103 U']) {
    assert.ok(kinds.has(kind), `${kind} is among ${[...kinds].join(', ')}`);
  }
  const whose = patientBlock((await parseDicom(one)).dataset);
  const read =
    found.find((each) => kindOf(each) === '110103 R' && each.text.includes('<SOPClass'))?.text ?? '';
  for (const part of [whose.id, whose.accession, studyOf(one), instanceOf(one)]) {
    assert.ok(part !== null && read.includes(part), 'the trail says whose film it was');
  }
  const refused = found.find((each) => kindOf(each) === '110114 110122 E')?.text ?? '';
  assert.match(refused, /UserID="reader".*NetworkAccessPointID="127\.0\.0\.1"/);
  assert.doesNotMatch(JSON.stringify(found), /wrong-password|a-long-password/);
});

test('a collector that goes away in between loses nothing; a reload is told', { skip }, async () => {
  const before = (await messages()).length;
  await collector.halt();
  await store(two);
  await daemon.reaches(studyOf(two), 'delivered');
  await daemon.configure({ ...config, model: { threads: 1, batch: 2 } });
  daemon.child.kill('SIGHUP');
  await until('reloaded', async () =>
    daemon.log.some(({ msg }) => msg === 'The changed configuration is in force'),
  );
  await collector.start();
  await until(
    'the reload is told',
    async () => (await messages()).some((each) => kindOf(each) === '110113 110131 E'),
    90_000,
  );
  const since = (await messages()).slice(before);
  for (const kind of ['110104 C', '110103 R', '110104 R', '110106 R']) {
    const about = since.filter((each) => kindOf(each) === kind && each.text.includes(studyOf(two)));
    assert.ok(about.length > 0, kind);
  }
});

/** What the API says of films and studies of this patient that it cannot take. */
async function refusals(): Promise<string[]> {
  const ask = async (path: string, type: string, body: string | Uint8Array<ArrayBuffer>) => {
    const headers = { authorization: basic(PASSWORD), 'content-type': type };
    const answer = await fetch(daemon.url + path, { method: 'POST', headers, body });
    assert.ok(answer.status >= 400 && answer.status < 500, `${path}: ${answer.status}`);
    return answer.text();
  };
  const study = `/api/studies/${studyOf(one)}`;
  const cut = Uint8Array.from(one.subarray(0, one.length - 5000));
  return Promise.all([
    ask('/api/predict', 'application/dicom', cut),
    ask('/api/try', 'application/dicom', cut),
    ask('/api/predict', 'text/plain', Uint8Array.from(one)),
    ask(study, 'application/json', '{"source": "nowhere"}'),
    ask(`${study}/feedback`, 'application/json', '{"agree": "maybe"}'),
    ask(`${study}/feedback`, 'application/json', '{'),
  ]);
}

test('metrics are well-formed, tell what happened, and a full run leaves no trace of a patient', {
  skip,
}, async () => {
  const scrape = async () =>
    (await fetch(`${daemon.url}/metrics`, { headers: { authorization: basic(PASSWORD) } })).text();
  // A message counts when its connection stood for a while after it: the collector has it before that.
  await until('what the collector got is counted', async () => {
    const { samples = [] } = parseExposition(await scrape()).get('deephealth_audit_messages_total') ?? {};
    return samples.some(({ labels, value }) => labels.outcome === 'sent' && value > 10);
  });
  const text = await scrape();
  const families = parseExposition(text);
  const value = (family: string, labels: Record<string, string>, name = family) =>
    families
      .get(family)
      ?.samples.find(
        (sample) =>
          sample.name === name &&
          Object.entries(labels).every(([key, wanted]) => sample.labels[key] === wanted),
      )?.value;
  assert.equal(value('deephealth_studies', { state: 'delivered' }), 2);
  assert.equal(value('deephealth_studies_read_total', { outcome: 'reported', code: 'none' }), 2);
  for (const until of ['claimed', 'reported', 'delivered']) {
    assert.equal(value('deephealth_study_seconds', { until }, 'deephealth_study_seconds_count'), 2, until);
  }
  for (const step of ['read', 'decode', 'prepare', 'infer']) {
    assert.equal(value('deephealth_film_seconds', { step }, 'deephealth_film_seconds_count'), 2, step);
  }
  assert.equal(
    value('deephealth_pneumonia_probability', { pacs: 'orthanc' }, 'deephealth_pneumonia_probability_count'),
    2,
  );
  assert.equal(value('deephealth_feedback_total', { agree: 'true' }), 1);
  assert.equal(value('deephealth_model_info', { role: 'in-force' }), 1);
  assert.equal(value('deephealth_queue_studies', { priority: 'routine' }), 0);

  const refused = await refusals();
  assert.ok(refused.length >= 5);
  for (const said of refused) assert.match(said, /"code":"[a-z0-9.-]+"/);
  const names = await readdir(daemon.folder, { recursive: true });
  const traces: Record<string, string> = {
    log: daemon.said.join('\n'),
    metrics: text,
    'answers to what was refused': refused.join('\n'),
    'names of files of the spool': names.filter((name) => name.startsWith('audit')).join('\n'),
  };
  for (const bytes of [one, two]) {
    const whose = patientBlock((await parseDicom(bytes)).dataset);
    const words = [
      ...(whose.name ?? '').split(', '),
      ...[whose.id, whose.birthDate, whose.accession, studyOf(bytes), instanceOf(bytes)],
    ];
    assert.ok(
      words.every((word) => word !== null && word !== ''),
      'the phantom has all of them',
    );
    for (const [where, said] of Object.entries(traces)) {
      for (const word of words) assert.ok(!said.includes(String(word)), `${where} holds ${word}`);
    }
  }
  for (const [where, said] of Object.entries(traces))
    assert.doesNotMatch(said, /2\.25\.\d{20}|Phantom\^/, where);
});

test('the end of the service is the last that the collector hears', { skip }, async () => {
  await daemon.end();
  await until('the stop arrives', async () =>
    (await messages()).some((each) => kindOf(each) === '110100 110121 E'),
  );
  assert.equal(await auditSchemaErrors((await messages()).map(({ text }) => text)), '');
});
