import type {
  InstanceNotice,
  NewDelivery,
  NewReportObject,
  StudyNotice,
  StudyReport,
} from '../../src/ledger/types.ts';
import { type InstanceUid, instanceUid, type StudyUid, studyUid } from '../../src/ledger/uids.ts';
import { reading } from '../fixtures/readings.ts';

/** Studies as they come in, with made-up UIDs, for the tests of ledger and queue. */

export function study(number: number): StudyUid {
  return studyUid(`1.2.3.${number}`);
}

export function sop(number: number): InstanceUid {
  return instanceUid(`1.2.3.4.5.${number}`);
}

export function film(number: number, change: Partial<InstanceNotice> = {}): InstanceNotice {
  return {
    sopUid: sop(number),
    seriesUid: '1.2.3.4',
    sopClassUid: '1.2.840.10008.5.1.4.1.1.1.1',
    role: 'film',
    location: { kind: 'file', path: `incoming/${number}.dcm` },
    sha256: String(number).padStart(64, '0'),
    bytes: 1000 + number,
    ...change,
  };
}

export function received(number: number, change: Partial<StudyNotice> = {}): StudyNotice {
  return {
    studyUid: study(number),
    source: { kind: 'receive', pacs: null },
    priority: 'routine',
    settleAt: null,
    instances: [film(number)],
    ...change,
  };
}

export const READING = reading({
  label: 'normal',
  probabilities: { normal: 0.9, 'bacterial-pneumonia': 0.06, 'viral-pneumonia': 0.04 },
  pneumonia: 'absent',
  model: { name: 'test', version: '1', sha256: 'a'.repeat(64) },
});

export function object(key: string, kind: NewReportObject['kind'], uid: string): NewReportObject {
  return {
    key,
    kind,
    uid,
    seriesUid: kind === 'oru' ? null : '1.2.3.9',
    sopClassUid: kind === 'oru' ? null : '1.2.840.10008.5.1.4.1.1.88.33',
    body: { kind: 'inline', bytes: Buffer.from(`bytes of ${uid}`) },
    sha256: 'b'.repeat(64),
    bytes: 10,
  };
}

/** Heat map, then SR to one PACS; ORU to one RIS after the SR. `run` keeps the UIDs of two runs apart. */
export function report(number: number, run = 1): StudyReport {
  const deliveries: NewDelivery[] = [
    { key: 'heat map to PACS', destination: 'pacs', via: 'pacs', object: 'heat map' },
    { key: 'SR to PACS', destination: 'pacs', via: 'pacs', object: 'sr' },
    { key: 'ORU to RIS', destination: 'ris', via: 'ris', object: 'oru', after: ['SR to PACS'] },
  ];
  return {
    instances: [{ ...film(number), selection: { kind: 'read' } }],
    readings: [{ sopUid: sop(number), reading: READING, inferredAt: 5 }],
    objects: [
      object('heat map', 'heat-map', `1.9.${number}.${run}.1`),
      object('sr', 'sr-air', `1.9.${number}.${run}.2`),
      object('oru', 'oru', `ORU-${number}-${run}`),
    ],
    deliveries,
    summary: { pneumonia: 'absent' },
  };
}

export const WORKER = { worker: 'reader-1', leaseMs: 60_000 };
