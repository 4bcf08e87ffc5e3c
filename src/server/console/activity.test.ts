import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PassedEvent } from '../../ledger/types.ts';
import { studyUid } from '../../ledger/uids.ts';
import { activityOf } from './activity.ts';
import { throughputFigure, waitingFigure } from './figures.ts';

const HOUR = 3_600_000;
const event = (study: number, at: number, kind: PassedEvent['kind'], run = 1): PassedEvent => ({
  studyUid: studyUid(`1.2.${study}`),
  run,
  at,
  kind,
});
const spansOf = (events: readonly PassedEvent[]) => activityOf(events, { from: 0, spanMs: HOUR, spans: 3 });

test('readings count in the span in which they ended, and wait from being complete', () => {
  const spans = spansOf([
    event(1, -5000, 'settled'),
    event(1, 5000, 'reported'),
    event(2, HOUR + 1000, 'settled'),
    event(2, HOUR + 3000, 'reported'),
    event(3, HOUR + 1000, 'settled'),
    event(3, HOUR + 9000, 'reported'),
    event(4, HOUR + 2000, 'skipped'),
    event(5, 2 * HOUR, 'failed'),
    event(6, 3 * HOUR, 'reported'),
    event(7, -1, 'reported'),
  ]);
  assert.deepEqual(
    spans.map(({ reported, skipped, failed }) => [reported, skipped, failed]),
    [
      [1, 0, 0],
      [2, 1, 0],
      [0, 0, 1],
    ],
  );
  assert.deepEqual(
    spans.map(({ waitMedian, wait90 }) => [waitMedian, wait90]),
    [
      [10_000, 10_000],
      [2000, 8000],
      [null, null],
    ],
  );
});

test('another reading of a study waits from when it was asked for', () => {
  const [first] = spansOf([
    event(1, 0, 'settled'),
    event(1, 1000, 'reported'),
    event(1, 60_000, 'reread', 2),
    event(1, 61_000, 'reported', 2),
  ]);
  assert.equal(first?.wait90, 1000);
});

test('the charts stay inside their frame, whatever the numbers are', () => {
  const many = Array.from({ length: 500 }, (_, index) => [
    event(index, index, 'settled'),
    event(index, index + 1_000_000, index % 7 === 0 ? 'failed' : 'reported'),
  ]).flat();
  for (const events of [[], many]) {
    const spans = spansOf(events);
    const bars = throughputFigure(spans);
    for (const { x, y, width, height } of bars.bars) {
      assert.ok(x >= bars.left && x + width <= bars.right && y >= 0 && y + height <= bars.base + 0.2);
    }
    assert.ok(bars.yTicks.every(({ value }) => Number.isInteger(value)));
    const lines = waitingFigure(spans);
    assert.ok(lines.dots.every(({ y }) => y >= 0 && y <= lines.base));
    assert.doesNotMatch(lines.lines.map(({ path }) => path).join(), /NaN/);
  }
});
