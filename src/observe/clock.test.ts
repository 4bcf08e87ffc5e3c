import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watchClock } from './clock.ts';

test('a clock that runs, or is set forward, was not set back', () => {
  let [wall, running] = [1000, 0];
  const watch = watchClock(
    () => wall,
    () => running,
  );
  wall += 60_000;
  running += 60_000;
  assert.equal(watch.setBackMs(), 0);
  wall += 3_600_000;
  assert.equal(watch.setBackMs(), 0);
});

test('a clock that was set back says by how much, once', () => {
  let wall = 10_000_000;
  const watch = watchClock(
    () => wall,
    () => 0,
  );
  wall -= 3_600_000;
  assert.equal(watch.setBackMs(), 3_600_000);
  assert.equal(watch.setBackMs(), 0);
});
