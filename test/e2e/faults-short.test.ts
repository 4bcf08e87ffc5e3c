/** The short form of `npm run bench:faults`: one seed, one process with its embedded ledger. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runFaults } from '../../bench/faults/run.ts';
import { orthancInstalled } from '../peers/orthanc.ts';
import { missingTool } from '../peers/pixel-tools.ts';
import { risInstalled } from '../peers/ris.ts';

const missing = !orthancInstalled()
  ? 'Orthanc is not installed'
  : !risInstalled()
    ? 'python3-hl7 is not installed'
    : missingTool('gdcmconv', 'dcmcjpeg');

test('killed, frozen, cut off, on a disk that fills and with a clock that jumps: nothing is lost, nothing is sent twice', {
  skip: missing ?? false,
}, async (t) => {
  const report = await runFaults({
    ...{ seed: 'short', setup: 'embedded', keep: false, say: (line) => t.diagnostic(line) },
    ...{ seconds: 180, pace: 3, rate: 0.5, patienceSeconds: 240 },
  });
  for (const reason of report.notDone) t.diagnostic(reason);
  assert.deepEqual(report.violations, []);
  assert.ok(report.kills > 0, 'something was killed');
  assert.ok((report.endings.delivered ?? 0) > 0, 'something was read');
});
