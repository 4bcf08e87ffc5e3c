import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FilmReading, FilmToRead, Model } from '../ai/classify.ts';
import { createInference } from './inference.ts';

/** A network whose passes end when the test says so. */
function steppedModel(read: (films: readonly FilmToRead[]) => Promise<FilmReading[]>): Model {
  return { read } as Model;
}

const filmNamed = (view: string) => ({ view }) as unknown as FilmToRead;
const readingOf = (film: FilmToRead) => ({ reading: film.view }) as unknown as FilmReading;

test('an only film is read at once; those that come meanwhile share the next pass', async () => {
  const passes: string[][] = [];
  let end: () => void = () => {};
  const model = steppedModel(async (films) => {
    passes.push(films.map(({ view }) => view));
    if (passes.length === 1) {
      await new Promise<void>((resolve) => {
        end = resolve;
      });
    }
    return films.map(readingOf);
  });
  const inference = createInference(
    () => model,
    () => 3,
  );
  const first = inference.read(filmNamed('1'));
  await new Promise(setImmediate);
  const rest = ['2', '3', '4', '5'].map((name) => inference.read(filmNamed(name)));
  end();
  const readings = await Promise.all([first, ...rest]);
  assert.deepEqual(passes, [['1'], ['2', '3', '4'], ['5']]);
  assert.deepEqual(
    readings.map(({ reading }) => reading as unknown),
    ['1', '2', '3', '4', '5'],
  );
});

test('a film that the engine fails at takes no other film of its batch down', async () => {
  const model = steppedModel(async (films) => {
    if (films.some(({ view }) => (view as string) === 'bad')) throw new Error('engine');
    return films.map(readingOf);
  });
  const inference = createInference(
    () => model,
    () => 4,
  );
  const results = await Promise.allSettled(['a', 'bad', 'c'].map((name) => inference.read(filmNamed(name))));
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
});
