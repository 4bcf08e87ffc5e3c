import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSharedMemory } from './shared-memory.ts';

test('a piece that was given back is taken again where it is large enough', () => {
  const memory = createSharedMemory(2);
  const [small, large] = [memory.take(10), memory.take(5_000_000)];
  assert.notEqual(small, large);
  memory.give(large);
  memory.give(small);
  assert.equal(memory.take(4_000_000), large);
  assert.equal(memory.take(100), small);
});

test('there are only so many shared pieces, and none for rare frames', () => {
  const memory = createSharedMemory(2);
  const [one, two, three] = [memory.take(10), memory.take(10), memory.take(10)];
  assert.ok(one instanceof SharedArrayBuffer && two instanceof SharedArrayBuffer);
  assert.ok(three instanceof ArrayBuffer, 'more than that are not shared');
  memory.give(three);
  memory.give(one);
  const larger = memory.take(5_000_000);
  assert.ok(larger instanceof SharedArrayBuffer, 'a spare piece made room for it');
  assert.ok(memory.take(10) instanceof ArrayBuffer);
  memory.give(larger);
  assert.ok(memory.take(100_000_000) instanceof ArrayBuffer);
});

test('a piece that is given twice is lent once', () => {
  const memory = createSharedMemory(3);
  const piece = memory.take(10);
  memory.give(piece);
  memory.give(piece);
  assert.equal(memory.take(10), piece);
  assert.notEqual(memory.take(10), piece);
});
