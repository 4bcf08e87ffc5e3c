import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openLedger } from '../../src/ledger/ledger.ts';
import { until } from '../peers/process.ts';
import { startScript } from '../processes/process.ts';
import { delivered, queuedStudies } from './queue.ts';
import { study } from './studies.ts';

/** What holds when real processes share a ledger and are killed; `fresh` gives the place of an empty one. */
export function crashContract(name: string, fresh: () => Promise<string>): void {
  describe(`${name}: real processes`, () => {
    test('four processes that open a new ledger at once all get it', async () => {
      const where = await fresh();
      const scripts = [1, 2, 3, 4].map((each) => startScript('notice', [where, String(each * 100_000)]));
      await Promise.all(scripts.map((script) => script.said(/^reported/)));
      await Promise.all(scripts.map((script) => script.kill()));
      const ledger = await openLedger(where);
      assert.ok((await ledger.studies.list()).studies.length >= 4);
      await ledger.close();
    });

    test('killed in the middle of its writing, again and again, nothing acknowledged is lost', async () => {
      const where = await fresh();
      for (let round = 0; round < 6; round += 1) {
        const first = 1 + round * 100_000;
        const script = startScript('notice', [where, String(first)]);
        await script.said(/^reported/);
        await sleep(20 + Math.random() * 120);
        await script.kill();
        const ledger = await openLedger(where);
        for (const line of script.lines().slice(1)) {
          const [word, number] = line.split(' ');
          const kept = await ledger.studies.history(study(Number(number)));
          assert.ok(kept, `${line} is lost`);
          assert.equal(kept.instances.length, 1);
          // All of a report is there, or nothing of it.
          const whole = kept.study.status.state === 'reported';
          assert.deepEqual(
            [kept.readings.length, kept.objects.length, kept.deliveries.length],
            whole ? [1, 3, 3] : [0, 0, 0],
          );
          if (word === 'reported') assert.ok(whole, `${line} is lost`);
        }
        await ledger.close();
      }
    });
  });
}

/** What holds when readers are processes of their own on one queue, and one of them is killed. */
export function readerCrash(
  name: string,
  fresh: () => Promise<{ ledger: string; queue: string; prefix: string }>,
): void {
  test(`${name}: of two readers one is killed at work: no study is lost, none recorded twice`, async () => {
    const { ledger: where, queue, prefix } = await fresh();
    const ledger = await openLedger(where);
    const start = (worker: string) => startScript('read', [where, queue, worker, prefix]);
    const first = start('reader-1');
    const second = start('reader-2');
    await Promise.all([first.said('open'), second.said('open')]);
    await queuedStudies(ledger, 1, 80);
    await first.said(/^recorded/);
    await second.said(/^recorded/);
    await first.kill();
    await until('all are read', async () => (await delivered(ledger)) === 80, 60_000);
    assert.equal(await second.end(), 0);
    const recorded = [...first.lines(), ...second.lines()].filter((line) => line.startsWith('recorded'));
    assert.equal(new Set(recorded).size, recorded.length, 'a study was recorded twice');
    for (let number = 1; number <= 80; number += 1) {
      const kept = await ledger.studies.history(study(number));
      assert.equal(kept?.readings.length, 1);
      assert.equal(kept?.events.filter((event) => event.kind === 'reported').length, 1);
    }
    await ledger.close();
  });
}
