/**
 * The order of system calls of the real daemon, seen by strace: before a sender is told that its film is kept, and
 * before a report leaves for the archive, everything that would be needed after a power cut was synced.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../peers/process.ts';
import { startStandInPacs } from '../peers/stand-in-pacs.ts';
import { film, startDaemon, studyOf } from './daemon.ts';
import { type Call, readTrace, unsafeWhen } from './power-loss/trace.ts';

const STRACE = '/usr/bin/strace';
const CALLS =
  'trace=openat,mkdir,mkdirat,rename,renameat,renameat2,write,writev,pwrite64,pwritev,sendto,sendmsg,fsync,fdatasync';

test('film, its folders and the ledger are synced before the answer, results before they are sent', {
  skip: existsSync(STRACE) ? false : 'strace is not installed',
}, async (t) => {
  // It takes nothing; what is looked at is what had happened before it was asked.
  const pacs = await startStandInPacs();
  const daemon = await startDaemon({ config: { pacs: [{ name: 'archive', url: pacs.url }] } });
  const output = join(daemon.folder, '..', `trace-${process.pid}.txt`);
  const tracer = spawn(
    STRACE,
    ['-f', '-yy', '-s', '64', '-e', CALLS, '-o', output, '-p', String(daemon.child.pid)],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  t.after(async () => {
    tracer.kill('SIGINT');
    await daemon.remove();
    await pacs.stop();
    await rm(output, { force: true });
  });
  let said = '';
  tracer.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await until('strace is attached', async () => said.includes('attached'));
  const file = film(1201);
  const answer = await daemon.push(file);
  assert.equal(answer.status, 200, await answer.text());
  await until('a report was sent', async () => pacs.seen.some(({ method }) => method === 'POST'));
  await daemon.reaches(studyOf(file), 'reported');
  const ended = once(tracer, 'exit');
  tracer.kill('SIGINT');
  await ended;

  const calls = readTrace(await readFile(output, 'utf8'));
  const { folder } = daemon;
  const films = join(folder, 'films');
  const inFilms = (path: string) => path === films || path.startsWith(`${films}/`);
  const inLedger = (path: string) => /ledger\.sqlite(-wal)?$/.test(path);
  const results = join(folder, 'results');
  const inResults = (path: string) => path === results || path.startsWith(`${results}/`);
  const needed = (path: string) => inFilms(path) || inLedger(path);
  const made = (path: string) => inResults(path) || inLedger(path);
  const isAnswer = (text: string) => text.startsWith('HTTP/1.1 200');
  const isReport = (text: string) => text.startsWith('POST /dicom-web/studies');

  const received = unsafeWhen(calls, isAnswer, needed);
  assert.ok(received.moments > 0, 'the answer was seen');
  assert.deepEqual(received.unsafe, []);
  const sent = unsafeWhen(calls, isReport, made);
  assert.ok(sent.moments > 0, 'a report was seen on its way');
  assert.deepEqual(sent.unsafe, []);

  // The same trace without one kind of syncing: this test would fail.
  const without = (what: (path: string) => boolean): Call[] =>
    calls.filter((call) => call.kind !== 'synced' || !what(call.path));
  const lostFilm = unsafeWhen(
    without((path) => path.endsWith('.part')),
    isAnswer,
    needed,
  ).unsafe;
  assert.ok(
    lostFilm.some((path) => path.endsWith('.dcm')),
    'without syncing the film',
  );
  const lostNames = unsafeWhen(
    without((path) => inFilms(path) && !path.endsWith('.part')),
    isAnswer,
    needed,
  ).unsafe;
  assert.ok(lostNames.includes(films), 'without syncing the folder');
  assert.ok(
    lostNames.some((path) => path.startsWith(`${films}/`)),
    "without syncing the study's folder",
  );
  assert.ok(
    unsafeWhen(without(inLedger), isAnswer, needed).unsafe.some(inLedger),
    'without syncing the ledger',
  );
  assert.ok(unsafeWhen(without(inLedger), isReport, made).unsafe.some(inLedger), 'the same for results');
  const lostResults = unsafeWhen(without(inResults), isReport, made).unsafe;
  assert.ok(lostResults.includes(results), 'without syncing the folder of results');
  assert.ok(
    lostResults.some((path) => path.startsWith(`${results}/`)),
    'without syncing a heat map',
  );
});
