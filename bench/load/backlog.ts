import { createHash } from 'node:crypto';
import { element } from '../../src/dicom/phantom/header.ts';
import { part10 } from '../../src/dicom/phantom/part10.ts';
import type { Ledger, NewReportObject, Priority, StudyReport } from '../../src/ledger/types.ts';
import { instanceUid, studyUid } from '../../src/ledger/uids.ts';
import { reading } from '../../test/fixtures/readings.ts';
import { stampedUid } from './films.ts';

const TEXT_SR = '1.2.840.10008.5.1.4.1.1.88.33';

const READING = reading({
  label: 'normal',
  probabilities: { normal: 0.9, 'bacterial-pneumonia': 0.06, 'viral-pneumonia': 0.04 },
  pneumonia: 'absent',
  model: { name: 'backlog', version: '1', sha256: 'a'.repeat(64) },
});

/** Every so many is stat. */
const STAT_EVERY = 20;

export function isStat(number: number): boolean {
  return number % STAT_EVERY === 0;
}

export function backlogStudy(batch: number, number: number): string {
  return stampedUid(1, batch, number);
}

/**
 * Studies that were read and whose results wait for their destinations, entered through the ledger's own
 * operations (notice, settle, claim, report) as intake and reader do it; the network is left out.
 */
export async function enterBacklog(ledger: Ledger, batch: number, count: number): Promise<void> {
  for (let number = 1; number <= count; number += 1) {
    const uid = studyUid(backlogStudy(batch, number));
    const priority: Priority = isStat(number) ? 'stat' : 'routine';
    const film = {
      sopUid: instanceUid(stampedUid(3, batch, 10 * number)),
      seriesUid: stampedUid(2, batch, number),
      sopClassUid: '1.2.840.10008.5.1.4.1.1.1',
      role: 'film',
      location: { kind: 'gone' },
      sha256: 'c'.repeat(64),
      bytes: 1,
    } as const;
    const source = { kind: 'receive', pacs: null } as const;
    await ledger.studies.notice({ studyUid: uid, source, priority, settleAt: null, instances: [film] });
    const settled = await ledger.studies.settle(uid);
    if (settled.kind !== 'queued') throw new Error('the study does not settle');
    const outcome = await ledger.claims.claim(settled.job, { worker: 'backlog', leaseMs: 60_000 });
    if (outcome.kind !== 'claimed') throw new Error('the study cannot be claimed');
    await ledger.claims.report(outcome.claim, reportOf(batch, number, film));
  }
}

function reportOf(
  batch: number,
  number: number,
  film: Omit<StudyReport['instances'][number], 'selection'>,
): StudyReport {
  const sr = stored('sr', 'sr-text', stampedUid(3, batch, 10 * number + 1), report(batch, number));
  const controlId = `B${batch % 1e9}N${number}`;
  const oru = stored('oru', 'oru', controlId, message(controlId, backlogStudy(batch, number)));
  return {
    instances: [{ ...film, selection: { kind: 'read' } }],
    readings: [{ sopUid: film.sopUid, reading: READING, inferredAt: Date.now() }],
    objects: [
      { ...sr, seriesUid: stampedUid(2, batch, 10 * number + 1), sopClassUid: TEXT_SR },
      { ...oru, seriesUid: null, sopClassUid: null },
    ],
    deliveries: [
      { key: 'sr', destination: 'archive', via: 'pacs', object: 'sr' },
      { key: 'oru', destination: 'ris', via: 'ris', object: 'oru', after: ['sr'] },
    ],
    summary: { pneumonia: 'absent' },
  };
}

function stored(
  key: string,
  kind: NewReportObject['kind'],
  uid: string,
  bytes: Uint8Array,
): Omit<NewReportObject, 'seriesUid' | 'sopClassUid'> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { key, kind, uid, body: { kind: 'inline', bytes }, sha256, bytes: bytes.length };
}

/** An SR object as far as an archive looks at it. */
function report(batch: number, number: number): Uint8Array {
  return part10({
    '00080016': element('UI', TEXT_SR),
    '00080018': element('UI', stampedUid(3, batch, 10 * number + 1)),
    '00080020': element('DA', '20260301'),
    '00080060': element('CS', 'SR'),
    '00100010': element('PN', { Alphabetic: 'Backlog^Bea' }),
    '00100020': element('LO', `P${number}`),
    '0020000D': element('UI', backlogStudy(batch, number)),
    '0020000E': element('UI', stampedUid(2, batch, 10 * number + 1)),
    '0040A493': element('CS', 'UNVERIFIED'),
  });
}

function message(controlId: string, study: string): Uint8Array {
  return Buffer.from(
    [
      `MSH|^~\\&|DEEPHEALTH|RADAI|RIS|HOSP|20260301101702+0000||ORU^R01^ORU_R01|${controlId}|P|2.5.1||||||UNICODE UTF-8`,
      'PID|1||P1^^^HOSP||Backlog^Bea',
      'OBR|1||1|XR^Chest^L',
      `OBX|1|ST|113014^DICOM Study^DCM||${study}||||||O`,
      '',
    ].join('\r'),
  );
}
