/** Archive and RIS away with results waiting; `npm run bench:load -- --backlog 20000` is the long form. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runAway } from '../../bench/load/away.ts';
import { orthancInstalled } from '../peers/orthanc.ts';
import { risInstalled } from '../peers/ris.ts';

const missing = !orthancInstalled() ? 'Orthanc' : !risInstalled() ? 'python3-hl7' : undefined;

test('500 studies wait a day for an archive and a RIS that are away: intake goes on, then they drain stat first', {
  skip: missing === undefined ? false : `${missing} is not installed`,
}, async (t) => {
  const report = await runAway({ studies: 500, awaySeconds: 10, say: (line) => t.diagnostic(line) });
  t.diagnostic(JSON.stringify(report));
  if (report.days === 0) t.diagnostic('no day went by: libfaketime is not installed');
  assert.ok(report.tookIn, 'a film that was pushed meanwhile was acknowledged');
  // One probe after the other, with growing pauses: not each of the waiting objects in turn.
  assert.ok(report.attemptsWhileAway < 50, `${report.attemptsWhileAway} attempts`);
  assert.ok(report.rss.away < report.rss.start * 1.5, 'memory does not grow while they are away');
  assert.equal(report.outOfTurn, 0, 'every stat message came before the first routine one');
  assert.deepEqual(report.violations, []);
});
