import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import type { Model } from '../ai/classify.ts';
import type { NewReading } from '../ledger/types.ts';
import { studyUid } from '../ledger/uids.ts';
import { createMetrics } from '../observe/metrics.ts';
import type { Inference } from './inference.ts';
import type { StudyFilm } from './read-study.ts';
import { createShadow } from './shadow.ts';

const claim = { studyUid: studyUid('1.2.3'), run: 1 };
const reading = {
  label: 'normal',
  pneumonia: 'absent',
  probabilities: { normal: 0.9, 'bacterial-pneumonia': 0.06, 'viral-pneumonia': 0.04 },
};
const film = { instance: { sopUid: '1.2.3.4' }, film: {}, outcome: { reading } } as unknown as StudyFilm;
const model = { close: async () => {} } as unknown as Model;

function shadowWith(read: Inference['read']) {
  const kept: (readonly NewReading[])[] = [];
  const unused = async () => {
    throw new Error('not asked');
  };
  const gone = { studies: { countByState: unused, waiting: unused, oldestWaiting: unused } };
  const unknownLedger = { ...gone, deliveries: { backlog: unused }, readings: { recent: unused } };
  const metrics = createMetrics(unknownLedger as unknown as Parameters<typeof createMetrics>[0], {
    ready: async () => true,
    freeBytes: () => 0,
    reserveBytes: () => 0,
    destinations: () => [],
  });
  const ledger = {
    readings: {
      addShadow: async (_study: unknown, _run: unknown, readings: readonly NewReading[]) => {
        kept.push(readings);
      },
    },
  } as unknown as Parameters<typeof createShadow>[1]['ledger'];
  const shadow = createShadow(model, {
    inference: { read },
    ledger,
    log: pino({ level: 'silent' }),
    metrics,
  });
  return { shadow, kept, metrics };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('a model beside that fails, or never answers, is counted and holds up nobody', async () => {
  const failing = shadowWith(() => Promise.reject(new Error('out of order')));
  failing.shadow.offer(claim, [film], {});
  await turn();
  assert.deepEqual(failing.kept, []);
  assert.match(
    (await failing.metrics.text()).body,
    /deephealth_shadow_failures_total\{code="internal.unexpected"\} 1/,
  );

  const silent = shadowWith(() => new Promise(() => {}));
  for (let study = 0; study < 10; study += 1) silent.shadow.offer(claim, [film], {});
  await turn();
  assert.match((await silent.metrics.text()).body, /deephealth_shadow_failures_total\{code="busy"\} 6/);
  await silent.shadow.close();
});

test('agreement is counted by label, and the difference of probabilities measured', async () => {
  const theirs = { ...reading, label: 'viral-pneumonia', pneumonia: 'present' };
  const { shadow, kept, metrics } = shadowWith(
    async () =>
      ({ reading: theirs, timings: { prepare: 1, infer: 2 } }) as unknown as Awaited<
        ReturnType<Inference['read']>
      >,
  );
  shadow.offer(claim, [film], {});
  await turn();
  assert.equal(kept.length, 1);
  assert.match((await metrics.text()).body, /deephealth_shadow_films_total\{agrees="false"\} 1/);
  await shadow.close();
});
