import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { createSpareMemory } from './spare-memory.ts';

test('a piece that was given back is taken again where it is large enough', () => {
  const memory = createSpareMemory(2);
  const small = memory.take(10);
  const large = memory.take(5_000_000);
  assert.notEqual(small, large);
  memory.give(large);
  memory.give(small);
  assert.equal(memory.take(4_000_000), large);
  assert.equal(memory.take(100), small);
  assert.notEqual(memory.take(100), small, 'it is in use');
});

test('only so many pieces are kept, the largest of them, and none that only a rare file needs', () => {
  const memory = createSpareMemory(1);
  const pieces = [memory.take(1), memory.take(3_000_000), memory.take(200_000_000)] as const;
  for (const piece of pieces) memory.give(piece);
  assert.equal(memory.take(1), pieces[1]);
  assert.ok(memory.take(1).byteLength < 3_000_000);
});

test('what nobody takes for half a minute is let go, and memory is kept again after that', (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const memory = createSpareMemory(1);
  const piece = memory.take(1);
  memory.give(piece);
  mock.timers.tick(29_000);
  assert.ok(memory.take(1) === piece);
  memory.give(piece);
  mock.timers.tick(29_000);
  assert.ok(memory.take(1) === piece, 'it was used meanwhile');
  memory.give(piece);
  mock.timers.tick(31_000);
  const next = memory.take(1);
  assert.ok(next !== piece);
  memory.give(next);
  assert.ok(memory.take(1) === next);
  memory.give(next);
  mock.timers.tick(31_000);
  assert.ok(memory.take(1) !== next);
});
