import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseExposition } from '../../test/peers/exposition.ts';
import type { Reading } from '../ai/reading.ts';
import type { RecentReading } from '../ledger/types.ts';
import { cachedByCost } from './cached.ts';
import { driftByArchive, stabilityIndex } from './drift.ts';
import type { MeasuredLedger } from './ledger-gauges.ts';
import { createMetrics, type MetricModel } from './metrics.ts';

const MODEL = { name: 'm', version: '1.0.0', sha256: 'a'.repeat(64) };
const FLAT = new Array<number>(10).fill(0.1);

function readingOf(pneumonia: number, model = MODEL): Reading {
  return {
    label: pneumonia > 0.5 ? 'viral-pneumonia' : 'normal',
    probabilities: { normal: 1 - pneumonia, 'bacterial-pneumonia': 0, 'viral-pneumonia': pneumonia },
    pneumonia: pneumonia > 0.5 ? 'present' : 'absent',
    abstained: null,
    applicability: { status: 'in', reasons: [] },
    quality: { status: 'diagnostic', reasons: [] },
    triage: 'off',
    model,
  };
}

const films = (pacs: string | null, count: number, probability: (index: number) => number): RecentReading[] =>
  Array.from({ length: count }, (_, index) => ({ pacs, reading: readingOf(probability(index)) }));

test('the stability index is nought for the same distribution, small for chance, large for another', () => {
  assert.equal(stabilityIndex(new Array(10).fill(7), FLAT), 0);
  const chance = stabilityIndex([12, 9, 8, 11, 10, 10, 9, 12, 10, 9], FLAT);
  assert.ok(chance > 0 && chance < 0.1, String(chance));
  const other = stabilityIndex([1, 1, 1, 1, 1, 1, 1, 1, 1, 91], FLAT);
  assert.ok(other > 0.25 && Number.isFinite(other), String(other));
  assert.ok(Number.isFinite(stabilityIndex([100, 0, 0, 0, 0, 0, 0, 0, 0, 0], [0, ...FLAT.slice(1)])));
});

test('drift is by archive, of the model in force only, and of enough films', () => {
  const readings = [
    ...films('alike', 100, (index) => (index % 10) / 10 + 0.05),
    ...films('other', 60, () => 0.95),
    ...films(null, 50, () => 1),
    ...films('few', 49, () => 0.95),
    ...films('former', 100, () => 0.95).map(({ pacs, reading }) => ({
      pacs,
      reading: { ...reading, model: { ...MODEL, sha256: 'b' } },
    })),
  ];
  const drift = new Map(driftByArchive(readings, MODEL.sha256, FLAT).map(({ pacs, index }) => [pacs, index]));
  assert.deepEqual([...drift.keys()].sort(), ['alike', 'other', 'received']);
  assert.ok((drift.get('alike') ?? 1) < 0.01 && (drift.get('other') ?? 0) > 0.25);
});

test('what is costly is asked once for all who ask at the same time, and not again at once', async () => {
  let asked = 0;
  const ask = cachedByCost(async () => {
    asked += 1;
    await new Promise((resolve) => setTimeout(resolve, 5));
    return asked;
  });
  assert.deepEqual(await Promise.all([ask(), ask(), ask()]), [1, 1, 1]);
  assert.equal(await ask(), 1);
  const failing = cachedByCost(() => Promise.reject(new Error('away')));
  await assert.rejects(failing());
  await assert.rejects(failing());
});

const PROCESS = {
  ready: async () => true,
  freeBytes: () => 5,
  reserveBytes: () => 1,
  destinations: () => ['pacs'],
};

const ledger = {
  studies: {
    countByState: async () => ({
      settling: 0,
      queued: 2,
      reading: 1,
      reported: 0,
      delivered: 3,
      skipped: 0,
      failed: 0,
    }),
    waiting: async () => ({ stat: 1, routine: 1 }),
    oldestWaiting: async () => ({ stat: null, routine: Date.now() - 5000 }),
  },
  deliveries: {
    backlog: async () => [
      { destination: 'pacs', pending: 0, parked: 1, oldestPendingAt: null },
      { destination: 'ris "1"\\', pending: 2, parked: 1, oldestPendingAt: Date.now() - 60_000 },
    ],
  },
  readings: { recent: async () => films('orthanc', 60, () => 0.95) },
} as unknown as MeasuredLedger;

test('the text is strict Prometheus with everything in it, also with odd names', async () => {
  const metrics = createMetrics(ledger, PROCESS);
  const model: MetricModel = {
    identity: MODEL,
    manifest: { reference: { pneumonia: FLAT, films: 100 } },
  };
  metrics.models(model, undefined);
  metrics.filmRead('orthanc', readingOf(0.7), { read: 0.01, decode: 0.1, prepare: 0.02, infer: 0.05 });
  metrics.filmRead(null, readingOf(1), { read: 0.01, decode: 0.1, prepare: 0.02, infer: 0.05 });
  metrics.studyRead('failed', 'pixel.truncated', 1);
  metrics.studyReached('delivered', -1);
  metrics.delivered('a', 'sr-air', 0.2);
  metrics.deliveryFailed('a', 'web.timeout', 60);
  metrics.shadowRead(true, 0.02, 0.1);
  metrics.audited('lost', 3);
  const families = parseExposition((await metrics.text()).body);
  const at = (family: string) => families.get(family)?.samples ?? [];
  assert.equal(at('deephealth_delivery_oldest_pending_seconds')[1]?.value.toFixed(0), '60');
  const stranded = at('deephealth_deliveries_without_destination');
  assert.deepEqual(
    stranded.map(({ value }) => value),
    [3],
    'pending and parked, and none for what is configured',
  );
  assert.ok((at('deephealth_drift_stability_index')[0]?.value ?? 0) > 0.25);
  assert.deepEqual(at('deephealth_model_info')[0]?.labels, { role: 'in-force', ...MODEL });
  const highest = at('deephealth_pneumonia_probability').find(
    ({ labels }) => labels.pacs === 'received' && labels.le === '0.9',
  );
  assert.equal(highest?.value, 0, 'a probability of 1 is in the last bucket only');
  const promtool = '/usr/bin/promtool';
  if (existsSync(promtool)) {
    const { status, stdout, stderr } = spawnSync(promtool, ['check', 'metrics'], {
      input: (await metrics.text()).body.replaceAll(/^.*\b(nodejs|process)_.*\n/gm, ''),
      encoding: 'utf8',
    });
    assert.deepEqual([status, stdout + stderr], [0, ''], 'Prometheus’s own linter');
  }
  for (const [name, { help, samples }] of families) {
    if (!name.startsWith('deephealth_')) continue;
    assert.match(help, /\.$/, name);
    for (const { labels } of samples) assert.ok(!('study' in labels || 'patient' in labels), name);
  }
});

test('without the database the counters of the process are still served', async () => {
  const away = () => Promise.reject(new Error('away'));
  const gone = {
    studies: { countByState: away, waiting: away, oldestWaiting: away },
    deliveries: { backlog: away },
    readings: { recent: away },
  } as unknown as MeasuredLedger;
  const metrics = createMetrics(gone, PROCESS);
  metrics.polled('orthanc', 'failed');
  const families = parseExposition((await metrics.text()).body);
  assert.equal(families.get('deephealth_polls_total')?.samples[0]?.value, 1);
  assert.deepEqual(families.get('deephealth_studies')?.samples, []);
});

test('docs/metrics.md names every metric, and no other', async () => {
  const families = parseExposition((await createMetrics(ledger, PROCESS).text()).body);
  const served = [...families.keys()].filter((name) => name.startsWith('deephealth_')).sort();
  const table = readFileSync('docs/metrics.md', 'utf8')
    .split('\n')
    .filter((line) => /^\| (`deephealth_[a-z_]+`(, )?)+( \(ledger\))? \|/.test(line))
    .flatMap((line) => line.split('|')[1]?.match(/deephealth_[a-z_]+/g) ?? []);
  assert.deepEqual(table.sort(), served);
});
