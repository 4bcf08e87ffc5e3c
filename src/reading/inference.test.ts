import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FilmReading, FilmToRead, Model } from '../ai/classify.ts';
import { createInference } from './inference.ts';
import { modelInForce } from './model-in-force.ts';

/** A network whose passes end when the test says so. */
function steppedModel(read: (films: readonly FilmToRead[]) => Promise<FilmReading[]>, lanes = 1): Model {
  return { read, lanes } as Model;
}

const filmNamed = (view: string) => ({ view }) as unknown as FilmToRead;
const readingOf = (film: FilmToRead) => ({ reading: film.view }) as unknown as FilmReading;

test('a film is read at once while there is a lane and one to prepare in; then they share the next pass', async () => {
  const passes: string[][] = [];
  const ends: (() => void)[] = [];
  const model = steppedModel(async (films) => {
    passes.push(films.map(({ view }) => view));
    if (passes.length <= 2) await new Promise<void>((resolve) => ends.push(resolve));
    return films.map(readingOf);
  });
  const inference = createInference(() => 3);
  const first: Promise<FilmReading>[] = [];
  for (const name of ['1', '2']) {
    first.push(inference.read(filmNamed(name), model));
    await new Promise(setImmediate);
  }
  const rest = ['3', '4', '5', '6'].map((name) => inference.read(filmNamed(name), model));
  await new Promise(setImmediate);
  assert.deepEqual(passes, [['1'], ['2']]);
  for (const end of ends) end();
  const readings = await Promise.all([...first, ...rest]);
  assert.deepEqual(passes, [['1'], ['2'], ['3', '4', '5'], ['6']]);
  assert.deepEqual(
    readings.map(({ reading }) => reading as unknown),
    ['1', '2', '3', '4', '5', '6'],
  );
});

test('a film that the engine fails at takes no other film of its batch down', async () => {
  const model = steppedModel(async (films) => {
    if (films.some(({ view }) => (view as string) === 'bad')) throw new Error('engine');
    return films.map(readingOf);
  });
  const inference = createInference(() => 4);
  const results = await Promise.allSettled(
    ['a', 'bad', 'c'].map((name) => inference.read(filmNamed(name), model)),
  );
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
});

test('a model that is replaced stays open until what is read with it has ended', async () => {
  const closed: string[] = [];
  const named = (name: string) => ({ close: async () => void closed.push(name) }) as unknown as Model;
  const inForce = modelInForce(named('old'));
  let end: () => void = () => {};
  const study = inForce.use(async () => {
    await new Promise<void>((resolve) => {
      end = resolve;
    });
  });
  inForce.replace(named('new'));
  await new Promise(setImmediate);
  assert.deepEqual(closed, []);
  end();
  await study;
  await inForce.close();
  assert.deepEqual(closed, ['old', 'new']);
});
