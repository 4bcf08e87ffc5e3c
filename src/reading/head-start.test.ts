import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Model } from '../ai/classify.ts';
import type { InstanceNotice } from '../ledger/types.ts';
import { instanceUid, studyUid } from '../ledger/uids.ts';
import { createHeadStart } from './head-start.ts';
import type { ReadFilm } from './read-study.ts';

const STUDY = studyUid('1.2.3');
const RULES = {};
const model = {} as Model;

function instance(number: number, sha256 = `digest ${number}`): InstanceNotice {
  return {
    sopUid: instanceUid(`1.2.3.${number}`),
    seriesUid: '1.2.3.4',
    sopClassUid: '1.2.840.10008.5.1.4.1.1.1.1',
    role: 'film',
    location: { kind: 'file', path: `films/${sha256}.dcm` },
    sha256,
    bytes: 100,
  };
}

/** A head start whose films are read when the test says so. */
function stepped({ busy = () => false, rules = () => RULES }: { busy?(): boolean; rules?(): object } = {}) {
  const reads: { readonly film: string | null; readonly ends: PromiseWithResolvers<ReadFilm> }[] = [];
  const headStart = createHeadStart({
    ...{ busy, rules },
    models: { use: (work) => work(model) },
    read(_study, { sha256 }) {
      const ends = Promise.withResolvers<ReadFilm>();
      reads.push({ film: sha256, ends });
      return ends.promise;
    },
  });
  return { headStart, reads };
}

const filmOf = (sha256: string) => ({ sha256 }) as ReadFilm;

test('a film that was begun is handed over once, whether it is ready or still under way', async () => {
  const { headStart, reads } = stepped();
  headStart.begin(STUDY, instance(1));
  headStart.begin(STUDY, instance(2));
  reads[0]?.ends.resolve(filmOf('digest 1'));
  await new Promise(setImmediate);
  const second = headStart.take(instance(2), model, RULES);
  reads[1]?.ends.resolve(filmOf('digest 2'));
  assert.deepEqual(await headStart.take(instance(1), model, RULES), filmOf('digest 1'));
  assert.deepEqual(await second, filmOf('digest 2'));
  assert.equal(await headStart.take(instance(1), model, RULES), undefined);
});

test('other bytes, another model or other rules than it was begun with find nothing', async () => {
  let rules: object = RULES;
  const { headStart, reads } = stepped({ rules: () => rules });
  headStart.begin(STUDY, instance(1));
  headStart.begin(STUDY, instance(2));
  for (const { ends } of reads) ends.resolve(filmOf('made'));
  assert.equal(await headStart.take(instance(1, 'other bytes'), model, RULES), undefined);
  assert.equal(await headStart.take(instance(1), {} as Model, RULES), undefined);
  rules = {};
  assert.equal(await headStart.take(instance(2), model, rules), undefined);
});

test('while studies are read nothing is begun, and never more than two films at once', () => {
  let busy = true;
  const { headStart, reads } = stepped({ busy: () => busy });
  headStart.begin(STUDY, instance(1));
  assert.equal(reads.length, 0);
  busy = false;
  for (const number of [1, 1, 2, 3]) headStart.begin(STUDY, instance(number));
  assert.deepEqual(
    reads.map(({ film }) => film),
    ['digest 1', 'digest 2'],
  );
});

test('a film that failed is as if it had not been begun', async () => {
  const { headStart, reads } = stepped();
  headStart.begin(STUDY, instance(1));
  reads[0]?.ends.reject(new Error('the archive is away'));
  assert.equal(await headStart.take(instance(1), model, RULES), undefined);
});

test('it is idle when nothing is under way, taken or not', async () => {
  const { headStart, reads } = stepped();
  headStart.begin(STUDY, instance(1));
  const taken = headStart.take(instance(1), model, RULES);
  let idle = false;
  const waited = headStart.idle().then(() => {
    idle = true;
  });
  await new Promise(setImmediate);
  assert.equal(idle, false);
  reads[0]?.ends.resolve(filmOf('digest 1'));
  await waited;
  assert.deepEqual(await taken, filmOf('digest 1'));
});
