import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createJustMade } from './just-made.ts';

const bytes = (kilobytes: number) => new Uint8Array(kilobytes * 1024);

test('what was made is given once', () => {
  const made = createJustMade(1024 * 1024);
  const object = bytes(100);
  made.keep('a', object);
  assert.equal(made.take('a'), object);
  assert.equal(made.take('a'), undefined);
  assert.equal(made.take('b'), undefined);
});

test('no more bytes are kept than it may, the oldest go, and what is given away makes room', () => {
  const made = createJustMade(300 * 1024);
  for (const name of ['a', 'b', 'c', 'd']) made.keep(name, bytes(100));
  assert.equal(made.take('a'), undefined);
  assert.equal(made.take('b')?.length, 100 * 1024);
  made.keep('e', bytes(100));
  assert.deepEqual(
    ['c', 'd', 'e'].map((name) => made.take(name)?.length),
    [102_400, 102_400, 102_400],
  );
});

test('the same object made again counts once; small ones, and one larger than all together, are not kept', () => {
  const made = createJustMade(300 * 1024);
  for (let n = 0; n < 5; n += 1) made.keep('same', bytes(200));
  made.keep('other', bytes(100));
  made.keep('small', bytes(1));
  made.keep('large', bytes(301));
  assert.deepEqual(
    ['same', 'other', 'small', 'large'].map((name) => made.take(name)?.length),
    [204_800, 102_400, undefined, undefined],
  );
});
