import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import pino from 'pino';
import { auditSchemaErrors, jingInstalled } from '../../../test/peers/audit-schema.ts';
import { parseFrames, parseSyslog } from '../../../test/peers/syslog-reader.ts';
import { openAudit } from './audit.ts';
import { type AuditedStudy, auditEvents } from './events.ts';
import { auditXml } from './message.ts';
import { openSpool } from './spool.ts';
import { framed, syslogMessage } from './syslog.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dh-audit-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const events = auditEvents({ name: 'deep-health-TEST', host: 'reader.hospital', pid: 17 });
const SOURCE = { id: 'TEST@reader.hospital', site: 'GENERAL' };
const study: AuditedStudy = {
  studyUid: '1.2.3',
  accessionNumber: 'A&"1<2>',
  patient: { id: 'P<1>\u0000\u0007&', name: 'Dö, "Jané" \ud800 漢字 \r\n]]>' },
  instances: new Map([['1.2.840.10008.5.1.4.1.1.1', ['1.2.3.4', '1.2.3.5']]]),
};
const bare = { studyUid: '1.2.4' };
const who = { name: "o'hara <x>", address: '10.1.2.3' };

const every = [
  events.activity('start'),
  events.activity('stop'),
  events.imported(study, who, 'they'),
  events.imported(bare, { name: 'orthanc' }, 'we'),
  events.read(study),
  events.stored(study, { name: 'orthanc', address: 'pacs.hospital' }),
  events.exported(study, { name: 'ris', address: '::1' }, 'DH123'),
  events.exported(study, { name: 'folder' }, null),
  ...(['view', 'feedback', 'retry', 'reread', 'notify'] as const).map((use) => events.used(bare, who, use)),
  events.refused(who, 1),
  events.refused(who, 17),
  events.nodeRefused(who),
  events.configured(['model.path', 'observe.audit'], true),
  events.configured([], false),
  events.lost(12),
];

test('every event is valid by the schema of PS3.15 A.5, whatever stands in its values', async (t) => {
  if (!jingInstalled()) return t.skip('jing is not installed');
  const messages = every.map((message) => auditXml(message, SOURCE));
  assert.equal(await auditSchemaErrors(messages), '');
  // The schema can say no.
  const wrong = messages.map((xml) => xml.replace('EventOutcomeIndicator', 'Outcome'));
  assert.notEqual(await auditSchemaErrors(wrong.slice(0, 1)), '');
});

test('a message is one line and says who, what and whose', () => {
  for (const message of every) assert.doesNotMatch(auditXml(message, SOURCE), /\p{Cc}/u);
  const xml = auditXml(events.imported(study, who, 'they'), SOURCE);
  for (const part of [
    'csd-code="110104"',
    'EventActionCode="C"',
    "o'hara &lt;x&gt;",
    '10.1.2.3',
    '1.2.3.5',
    '漢字',
  ]) {
    assert.ok(xml.includes(part), part);
  }
});

test('syslog is RFC 5424 with facility 10, and frames are RFC 5425 over any bytes', () => {
  const at = new Date('2026-11-22T10:20:30.456Z');
  const origin = { host: 'höst with blanks', application: 'deep-health', processId: 17 };
  const lines = every.map((message) => syslogMessage(auditXml(message, SOURCE), at, 'notice', origin));
  const { messages, rest } = parseFrames(Buffer.concat(lines.map(framed)));
  assert.deepEqual([messages.length, rest.length], [every.length, 0]);
  const parsed = parseSyslog(messages[2] ?? '');
  assert.deepEqual([parsed.facility, parsed.severity, parsed.messageId], [10, 5, 'DICOM+RFC3881']);
  assert.equal(parsed.host, 'hstwithblanks');
  assert.equal(parsed.at.getTime(), at.getTime());
  assert.match(parsed.text, /^<AuditMessage>.*<\/AuditMessage>$/);
});

const numbered = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => `message ${from + i} ä`);

test('the spool gives what was kept, in order, over a restart, and nothing twice that was done', async () => {
  const home = join(folder, 'spool');
  const first = await openSpool(home);
  await first.append(numbered(0, 10));
  assert.deepEqual(await first.next(1), numbered(0, 1));
  assert.deepEqual(await first.next(1_000_000), numbered(1, 9));
  await first.done(4);
  const second = await openSpool(home);
  assert.deepEqual(await second.next(1_000_000), numbered(4, 6));
  second.rewind();
  await second.append(numbered(10, 2));
  assert.deepEqual(await second.next(1_000_000), numbered(4, 8));
  await second.done(8);
  assert.equal(second.bytes, 0);
  assert.deepEqual(await second.next(100), []);
});

test('a message that was cut off by a crash does not spoil those around it', async () => {
  const home = join(folder, 'cut');
  const spool = await openSpool(home);
  await spool.append(numbered(0, 2));
  const [segment = ''] = (await readdir(home)).filter((name) => name.endsWith('.log'));
  await appendFile(join(home, segment), 'half a mess');
  const again = await openSpool(home);
  await again.append(numbered(2, 1));
  assert.deepEqual(await again.next(1_000_000), numbered(0, 3));
});

test('a spool of several segments keeps its order, and done ones are removed', async () => {
  const home = join(folder, 'segments');
  const spool = await openSpool(home);
  const large = (index: number) => `${index} ${'x'.repeat(300_000)}`;
  for (let index = 0; index < 12; index += 1) await spool.append([large(index)]);
  const files = async () => (await readdir(home)).filter((name) => name.endsWith('.log')).length;
  const before = await files();
  assert.ok(before >= 3, `${before} segments`);
  for (let index = 0; index < 12; index += 1) {
    const given = await spool.next(1);
    assert.deepEqual(
      given.map((line) => line.split(' ')[0]),
      [String(index)],
    );
    await spool.done(1);
  }
  assert.ok((await files()) <= 1);
  await spool.append(['after']);
  assert.deepEqual(await spool.next(1), ['after']);
  // A position of a segment that is gone is not taken for one of a new segment.
  await spool.done(1);
  const again = await openSpool(home);
  await again.append(['last']);
  assert.deepEqual(await again.next(10), ['last']);
});

function options(home: string) {
  const counts: Record<string, number> = { sent: 0, lost: 0 };
  return {
    counts,
    options: {
      ...{ folder: home, worker: 'w1', station: 'TEST', tls: undefined },
      log: pino({ level: 'silent' }),
      onCount: (outcome: 'sent' | 'lost', messages: number) => {
        counts[outcome] = (counts[outcome] ?? 0) + messages;
      },
    },
  };
}

test('to a file: one line a message, also after the file was rotated away', async () => {
  const path = join(folder, 'file', 'audit.log');
  const { options: opened } = options(folder);
  const audit = await openAudit({ type: 'file', path }, opened);
  audit.record((all) => all.activity('start'));
  await audit.stop();
  await writeFile(`${path}.1`, await readFile(path));
  await rm(path);
  audit.record((all) => all.activity('stop'));
  await audit.stop();
  const lines = [await readFile(`${path}.1`, 'utf8'), await readFile(path, 'utf8')].map((text) =>
    text.trimEnd(),
  );
  assert.match(parseSyslog(lines[0] ?? '').text, /110120/);
  assert.match(parseSyslog(lines[1] ?? '').text, /110121/);
});

test('a full spool loses the newest, counts them, and says so in the trail when there is room', async () => {
  const home = join(folder, 'full');
  const { options: opened, counts } = options(home);
  const away = { type: 'syslog', host: '127.0.0.1', port: 1, spool: '4 KiB' } as const;
  const tls = { dangerouslyAcceptAnyCertificate: false };
  const audit = await openAudit({ ...away, tls }, opened);
  for (let index = 0; index < 20; index += 1) {
    audit.record((all) => all.refused({ name: `user ${index}` }, 1));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await audit.stop();
  const lost = counts.lost ?? 0;
  assert.ok(lost > 0 && lost < 20, `lost ${lost}`);
  const spool = await openSpool(join(home, 'audit', 'w1'));
  const kept = (await spool.next(1_000_000)).filter((line) => !line.includes('110133'));
  assert.equal(kept.length, 20 - lost);
  assert.ok(kept[0]?.includes('user 0'), 'the oldest stay');
  const wider = await openAudit({ ...away, tls, spool: '1 MiB' }, opened);
  wider.record((all) => all.activity('start'));
  await wider.stop();
});
