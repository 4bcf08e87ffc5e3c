import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DeepHealthError } from '../../src/errors/error.ts';
import type { DeliveryClaim, Ledger, StudyClaim } from '../../src/ledger/types.ts';
import { studyUid } from '../../src/ledger/uids.ts';
import { film, object, READING, received, report, sop, study, WORKER } from './studies.ts';

/** A clock that stands still until it is stepped. */
export interface Clock {
  now(): number;
  step(ms: number): void;
}

export function stoppedClock(start = 1_700_000_000_000): Clock {
  let time = start;
  return {
    now: () => time,
    step: (ms) => {
      time += ms;
    },
  };
}

/** Opens an empty ledger of its own, or (with `beside`) a further connection to that one. */
export type OpenLedger = (clock: Clock, beside?: Ledger) => Promise<Ledger>;

function code(expected: string) {
  return (error: unknown) => {
    assert.ok(error instanceof DeepHealthError, String(error));
    assert.equal(error.code, expected);
    return true;
  };
}

/** What every ledger has to keep, whatever database is under it. */
export function ledgerContract(name: string, open: OpenLedger): void {
  /** Runs a test on a ledger of its own and closes it. */
  function behaviour(sentence: string, body: (ledger: Ledger, clock: Clock) => Promise<void>): void {
    test(sentence, async () => {
      const clock = stoppedClock();
      const ledger = await open(clock);
      try {
        await body(ledger, clock);
      } finally {
        await ledger.close();
      }
    });
  }

  async function queued(ledger: Ledger, number: number, change = {}): Promise<void> {
    await ledger.studies.notice(received(number, change));
    const outcome = await ledger.studies.settle(study(number));
    assert.equal(outcome.kind, 'queued');
  }

  async function claimed(ledger: Ledger, number: number, options = WORKER): Promise<StudyClaim> {
    const known = await ledger.studies.get(study(number));
    const outcome = await ledger.claims.claim({ studyUid: study(number), run: known?.run ?? 0 }, options);
    assert.equal(outcome.kind, 'claimed');
    return outcome.kind === 'claimed' ? outcome.claim : assert.fail();
  }

  async function reported(ledger: Ledger, number: number, run = 1): Promise<void> {
    await queued(ledger, number);
    await ledger.claims.report(await claimed(ledger, number), report(number, run));
  }

  /** The first study reported, its SR to these archives before the others. */
  async function reportedToo(ledger: Ledger, ...archives: string[]): Promise<void> {
    await queued(ledger, 1);
    const made = report(1);
    const copies = archives.map(
      (destination) => ({ key: destination, destination, via: 'pacs', object: 'sr' }) as const,
    );
    await ledger.claims.report(await claimed(ledger, 1), {
      ...made,
      deliveries: [...copies, ...made.deliveries],
    });
  }

  async function delivery(ledger: Ledger, destination: string, worker = 'sender'): Promise<DeliveryClaim> {
    const claim = await ledger.deliveries.claim({ destination, worker, leaseMs: 30_000 });
    assert.ok(claim, `nothing is due to ${destination}`);
    return claim;
  }

  async function nothingDue(ledger: Ledger, destination: string): Promise<void> {
    const claim = await ledger.deliveries.claim({ destination, worker: 'sender', leaseMs: 30_000 });
    assert.equal(claim, undefined);
  }

  async function state(ledger: Ledger, number: number): Promise<string | undefined> {
    return (await ledger.studies.get(study(number)))?.status.state;
  }

  async function events(ledger: Ledger, number: number): Promise<string[]> {
    return ((await ledger.studies.history(study(number)))?.events ?? []).map((event) => event.kind);
  }

  describe(`${name}: how studies come`, () => {
    behaviour('a study that comes up settles, and its instances are remembered', async (ledger) => {
      const outcome = await ledger.studies.notice(received(1));
      assert.deepEqual(outcome, { kind: 'new', run: 1, state: 'settling', instances: [{ kind: 'added' }] });
      const [instance] = await ledger.films.list(study(1));
      assert.equal(instance?.sopUid, sop(1));
      assert.deepEqual(instance?.location, { kind: 'file', path: 'incoming/1.dcm' });
      assert.equal((await ledger.studies.get(study(1)))?.films, 1);
    });

    behaviour('the same instance twice is a duplicate, with other bytes a conflict', async (ledger) => {
      await ledger.studies.notice(received(1));
      const again = await ledger.studies.notice(
        received(1, { instances: [film(1), film(1, { sha256: 'f'.repeat(64) }), film(2), film(2)] }),
      );
      assert.deepEqual(again.instances, [
        { kind: 'duplicate' },
        { kind: 'conflict', knownSha256: film(1).sha256 },
        { kind: 'added' },
        { kind: 'duplicate' },
      ]);
      assert.deepEqual(
        (await ledger.films.list(study(1))).map(({ sopUid, sha256 }) => [sopUid, sha256]),
        [
          [sop(1), film(1).sha256],
          [sop(2), film(2).sha256],
        ],
      );
      assert.deepEqual(await events(ledger, 1), ['noticed', 'conflict']);
    });

    behaviour(
      'a film that could not be read is replaced when it comes whole, and read again',
      async (ledger) => {
        await queued(ledger, 1);
        const claim = await claimed(ledger, 1);
        const reason = { code: 'file.truncated', message: 'The file ends in the middle of an element.' };
        await ledger.claims.fail(claim, reason, [{ ...film(1), selection: { kind: 'unreadable', reason } }]);
        const same = await ledger.studies.notice(received(1));
        assert.deepEqual(same.instances, [{ kind: 'duplicate' }]);
        assert.equal(await state(ledger, 1), 'failed');
        const whole = film(1, {
          sha256: 'e'.repeat(64),
          location: { kind: 'file', path: 'incoming/whole.dcm' },
        });
        const again = await ledger.studies.notice(received(1, { instances: [whole] }));
        assert.deepEqual(again, {
          kind: 'reopened',
          run: 2,
          state: 'settling',
          instances: [{ kind: 'added' }],
        });
        const [instance, ...others] = await ledger.films.list(study(1));
        assert.deepEqual(others, []);
        assert.deepEqual([instance?.sha256, instance?.selection], [whole.sha256, null]);
        assert.equal((await ledger.studies.get(study(1)))?.films, 1);
      },
    );

    behaviour('an instance known from a poll gets its bytes and digest when it is pushed', async (ledger) => {
      const polled = film(1, { location: { kind: 'pacs', pacs: 'main' }, sha256: null, bytes: null });
      await ledger.studies.notice(
        received(1, { source: { kind: 'poll', pacs: 'main' }, instances: [polled] }),
      );
      const pushed = await ledger.studies.notice(received(1));
      assert.deepEqual(pushed.instances, [{ kind: 'duplicate' }]);
      const [instance] = await ledger.films.list(study(1));
      assert.deepEqual(instance?.location, { kind: 'file', path: 'incoming/1.dcm' });
      assert.equal(instance?.sha256, film(1).sha256);
      assert.equal((await ledger.studies.get(study(1)))?.source.kind, 'poll');
    });

    behaviour(
      'a study settles by time when it has one, and only by word when it has none',
      async (ledger, clock) => {
        await ledger.studies.notice(received(1, { settleAt: clock.now() + 1000 }));
        await ledger.studies.notice(received(2));
        assert.deepEqual(await ledger.studies.settleDue(), []);
        clock.step(1000);
        assert.deepEqual(await ledger.studies.settleDue(), [
          { studyUid: study(1), run: 1, priority: 'routine' },
        ]);
        assert.equal(await state(ledger, 2), 'settling');
        assert.deepEqual(await ledger.studies.settle(study(2)), {
          kind: 'queued',
          job: { studyUid: study(2), run: 1, priority: 'routine' },
        });
        assert.deepEqual(await ledger.studies.settle(study(2)), { kind: 'not-settling', state: 'queued' });
        assert.deepEqual(await ledger.studies.settle(study(3)), { kind: 'unknown' });
      },
    );

    behaviour('a known film that comes again does not put the settling off', async (ledger, clock) => {
      await ledger.studies.notice(received(1, { settleAt: clock.now() + 1000 }));
      clock.step(900);
      await ledger.studies.notice(received(1, { settleAt: clock.now() + 1000 }));
      const other = film(1, { sha256: 'f'.repeat(64) });
      await ledger.studies.notice(received(1, { instances: [other], settleAt: clock.now() + 1000 }));
      clock.step(100);
      assert.equal((await ledger.studies.settleDue()).length, 1);
    });

    behaviour('a film that comes while the study settles puts the settling off', async (ledger, clock) => {
      await ledger.studies.notice(received(1, { settleAt: clock.now() + 1000 }));
      clock.step(900);
      await ledger.studies.notice(received(1, { instances: [film(2)], settleAt: clock.now() + 1000 }));
      clock.step(900);
      assert.deepEqual(await ledger.studies.settleDue(), []);
      clock.step(100);
      assert.equal((await ledger.studies.settleDue()).length, 1);
    });

    behaviour('a late film re-opens a study that was read, as its next run', async (ledger) => {
      await reported(ledger, 1);
      const late = await ledger.studies.notice(received(1, { instances: [film(1), film(2)] }));
      assert.equal(late.kind, 'reopened');
      assert.equal(late.run, 2);
      assert.equal(await state(ledger, 1), 'settling');
    });

    behaviour('a late instance that is no film re-opens nothing', async (ledger) => {
      await reported(ledger, 1);
      const late = await ledger.studies.notice(received(1, { instances: [film(2, { role: 'other' })] }));
      assert.equal(late.kind, 'known');
      assert.deepEqual(late.instances, [{ kind: 'added' }]);
      assert.equal(await state(ledger, 1), 'reported');
    });

    behaviour(
      'a late film takes the study from the reader at work, whose result is refused',
      async (ledger) => {
        await queued(ledger, 1);
        const claim = await claimed(ledger, 1);
        const late = await ledger.studies.notice(received(1, { instances: [film(2)] }));
        assert.equal(late.kind, 'reopened');
        await assert.rejects(ledger.claims.report(claim, report(1)), code('ledger.claim-lost'));
        await assert.rejects(ledger.claims.extend(claim, 1000), code('ledger.claim-lost'));
        assert.equal(await state(ledger, 1), 'settling');
        assert.deepEqual(await ledger.readings.objects(study(1)), []);
      },
    );

    behaviour('instances that the reader found itself do not re-open the study later', async (ledger) => {
      await queued(ledger, 1, { instances: [] });
      const claim = await claimed(ledger, 1);
      await ledger.claims.found(claim, [film(1)]);
      const polled = await ledger.studies.notice(received(1));
      assert.equal(polled.kind, 'known');
      assert.equal(polled.state, 'reading');
      await ledger.claims.report(claim, report(1));
      assert.equal((await ledger.studies.get(study(1)))?.films, 1);
    });

    behaviour('a stat notice moves a waiting study ahead and has it announced again', async (ledger) => {
      await queued(ledger, 1);
      await queued(ledger, 2);
      await ledger.outbox.published(await ledger.outbox.unpublished(10));
      await ledger.studies.notice(received(2, { priority: 'stat' }));
      assert.deepEqual(await ledger.outbox.unpublished(10), [
        { studyUid: study(2), run: 1, priority: 'stat' },
      ]);
      assert.equal((await ledger.claims.claimNext(WORKER))?.studyUid, study(2));
    });

    behaviour('hostile text is kept without harm', async (ledger) => {
      const nasty = `'; drop table studies; -- \0 \ud800 <script> ${'x'.repeat(100_000)}`;
      await queued(ledger, 1, { display: { name: nasty } });
      await ledger.claims.fail(await claimed(ledger, 1), { code: 'film.odd', message: nasty });
      const kept = await ledger.studies.get(study(1));
      assert.equal(kept?.status.state, 'failed');
      assert.ok((kept?.lastFailure?.message.length ?? 0) <= 2000);
      assert.ok(kept?.lastFailure?.message.includes('drop table'));
      assert.throws(() => studyUid('1.2/../../etc'), code('ledger.uid-invalid'));
      assert.throws(() => studyUid(''), code('ledger.uid-invalid'));
      assert.throws(() => studyUid('1'.repeat(65)), code('ledger.uid-invalid'));
    });

    behaviour('the patient block is kept only when it is given', async (ledger) => {
      await ledger.studies.notice(received(1));
      await ledger.studies.notice(received(2, { display: { name: 'PHANTOM' } }));
      assert.equal((await ledger.studies.get(study(1)))?.display, null);
      assert.deepEqual((await ledger.studies.get(study(2)))?.display, { name: 'PHANTOM' });
    });
  });

  describe(`${name}: who reads what`, () => {
    behaviour(
      'stat studies are claimed before routine ones, then the longest waiting',
      async (ledger, clock) => {
        for (const number of [1, 2, 3, 4]) {
          await queued(ledger, number, { priority: number > 2 ? 'stat' : 'routine' });
          clock.step(10);
        }
        const order = [];
        for (let claim = await ledger.claims.claimNext(WORKER); claim !== undefined; ) {
          order.push(claim.studyUid);
          claim = await ledger.claims.claimNext(WORKER);
        }
        assert.deepEqual(order, [study(3), study(4), study(1), study(2)]);
      },
    );

    behaviour('a claimed study is refused to everybody else, each with the reason', async (ledger) => {
      await queued(ledger, 1);
      await claimed(ledger, 1);
      const claim = (number: number, run: number) =>
        ledger.claims.claim({ studyUid: study(number), run }, { worker: 'reader-2', leaseMs: 1000 });
      assert.deepEqual(await claim(1, 1), { kind: 'taken' });
      assert.deepEqual(await claim(1, 2), { kind: 'stale' });
      assert.deepEqual(await claim(9, 1), { kind: 'unknown' });
      assert.equal(await ledger.claims.claimNext(WORKER), undefined);
    });

    behaviour(
      'a study whose lease ran out is read by another, and the first is fenced',
      async (ledger, clock) => {
        await queued(ledger, 1);
        const first = await claimed(ledger, 1);
        clock.step(WORKER.leaseMs);
        assert.deepEqual(await ledger.claims.reap(), [{ studyUid: study(1), run: 1, priority: 'routine' }]);
        for (const write of [
          () => ledger.claims.report(first, report(1)),
          () => ledger.claims.skip(first, { code: 'x', message: 'y' }),
          () => ledger.claims.fail(first, { code: 'x', message: 'y' }),
          () => ledger.claims.retryLater(first, { code: 'x', message: 'y' }, clock.now()),
          () => ledger.claims.putBack(first),
          () => ledger.claims.found(first, [film(7)]),
        ]) {
          await assert.rejects(write(), code('ledger.claim-lost'));
        }
        const second = await claimed(ledger, 1, { worker: 'reader-2', leaseMs: 60_000 });
        await assert.rejects(ledger.claims.report(first, report(1)), code('ledger.claim-lost'));
        assert.deepEqual(await ledger.claims.report(second, report(1)), {
          kind: 'recorded',
          state: 'reported',
        });
        assert.equal((await ledger.films.list(study(1))).length, 1);
      },
    );

    behaviour('a lease that is kept up does not run out', async (ledger, clock) => {
      await queued(ledger, 1);
      let claim = await claimed(ledger, 1);
      for (let beats = 0; beats < 5; beats += 1) {
        clock.step(WORKER.leaseMs - 1);
        claim = await ledger.claims.extend(claim, WORKER.leaseMs);
        assert.deepEqual(await ledger.claims.reap(), []);
      }
      await ledger.claims.report(claim, report(1));
    });

    behaviour(
      'a study over which readers die again and again is parked with the reason',
      async (ledger, clock) => {
        await queued(ledger, 1);
        for (let death = 1; death <= 3; death += 1) {
          await claimed(ledger, 1);
          clock.step(WORKER.leaseMs);
          assert.equal((await ledger.claims.reap({ maxDeaths: 3 })).length, death < 3 ? 1 : 0);
        }
        const parked = await ledger.studies.get(study(1));
        assert.equal(parked?.status.state, 'failed');
        assert.equal(parked?.lastFailure?.code, 'queue.poison');
        assert.equal((await ledger.studies.retry(study(1))).kind, 'queued');
        await claimed(ledger, 1);
        clock.step(WORKER.leaseMs);
        assert.equal((await ledger.claims.reap({ maxDeaths: 3 })).length, 1, 'the count begins anew');
      },
    );

    behaviour(
      'failures that were told are no deaths: a study may fail for now any number of times',
      async (ledger, clock) => {
        await queued(ledger, 1);
        for (let failure = 0; failure < 10; failure += 1) {
          const claim = await claimed(ledger, 1);
          assert.equal(claim.attempts, failure);
          await ledger.claims.retryLater(claim, { code: 'web.away', message: 'm' }, clock.now() + 500);
          assert.deepEqual(await ledger.claims.claim({ studyUid: study(1), run: 1 }, WORKER), {
            kind: 'not-due',
            dueAt: clock.now() + 500,
          });
          assert.equal(await ledger.claims.claimNext(WORKER), undefined);
          assert.deepEqual(await ledger.outbox.unpublished(10), []);
          clock.step(500);
          assert.equal((await ledger.outbox.unpublished(10)).length, 1, 'due again, so announced again');
        }
        assert.equal((await ledger.studies.get(study(1)))?.lastFailure?.code, 'web.away');
      },
    );

    behaviour('what a dead worker held is released at its next start', async (ledger) => {
      await queued(ledger, 1);
      await queued(ledger, 2);
      const mine = await claimed(ledger, 1);
      await claimed(ledger, 2, { worker: 'reader-2', leaseMs: 60_000 });
      const released = await ledger.claims.releaseWorker(WORKER.worker);
      assert.deepEqual(
        released.map((job) => job.studyUid),
        [study(1)],
      );
      await assert.rejects(ledger.claims.report(mine, report(1)), code('ledger.claim-lost'));
      assert.equal(await state(ledger, 2), 'reading');
    });

    behaviour('a study that is put back is due at once and counts as no attempt', async (ledger) => {
      await queued(ledger, 1);
      await ledger.claims.putBack(await claimed(ledger, 1));
      assert.equal((await claimed(ledger, 1)).attempts, 0);
    });

    behaviour('each outcome may be recorded again when its first answer was lost', async (ledger, clock) => {
      await queued(ledger, 1);
      const claim = await claimed(ledger, 1);
      await ledger.claims.report(claim, report(1));
      assert.deepEqual(await ledger.claims.report(claim, report(1)), { kind: 'already-recorded' });
      await queued(ledger, 2);
      const second = await claimed(ledger, 2);
      for (let time = 0; time < 2; time += 1) {
        await ledger.claims.retryLater(second, { code: 'x', message: 'y' }, clock.now());
      }
      assert.equal((await ledger.studies.get(study(2)))?.attempts, 1);
      const sent = await delivery(ledger, 'pacs');
      await ledger.deliveries.sent(sent);
      assert.equal((await ledger.deliveries.sent(sent)).kind, 'already-recorded');
    });

    behaviour('a skipped or failed study says why, and which instance was left out', async (ledger) => {
      await queued(ledger, 1);
      const reason = { code: 'select.lateral', message: 'The film is a lateral view.' };
      await ledger.claims.skip(await claimed(ledger, 1), reason, [
        { ...film(1), selection: { kind: 'left-out', reason } },
      ]);
      const skipped = await ledger.studies.get(study(1));
      assert.deepEqual(skipped?.status, { state: 'skipped', reason });
      assert.deepEqual((await ledger.films.list(study(1)))[0]?.selection, { kind: 'left-out', reason });
      assert.deepEqual(await ledger.studies.retry(study(1)), {
        kind: 'nothing-to-retry',
        state: 'skipped',
      });
    });

    behaviour('a re-read is a new run, whatever the study was at', async (ledger) => {
      await reported(ledger, 1);
      assert.deepEqual(await ledger.studies.reread(study(1), 'stat'), {
        kind: 'queued',
        job: { studyUid: study(1), run: 2, priority: 'stat' },
      });
      const claim = await claimed(ledger, 1);
      await ledger.studies.reread(study(1));
      await assert.rejects(ledger.claims.report(claim, report(1, 2)), code('ledger.claim-lost'));
      assert.equal((await ledger.studies.get(study(1)))?.run, 3);
      assert.deepEqual(await ledger.studies.reread(study(9)), { kind: 'unknown' });
    });
  });

  describe(`${name}: the outbox`, () => {
    behaviour('a queued study stays to be published until a broker has it', async (ledger) => {
      await queued(ledger, 1);
      await queued(ledger, 2, { priority: 'stat' });
      const jobs = await ledger.outbox.unpublished(10);
      assert.deepEqual(
        jobs.map((job) => [job.studyUid, job.priority]),
        [
          [study(2), 'stat'],
          [study(1), 'routine'],
        ],
      );
      await ledger.outbox.published(jobs);
      assert.deepEqual(await ledger.outbox.unpublished(10), []);
      await ledger.outbox.givenUp(jobs.slice(1));
      assert.deepEqual(await ledger.outbox.unpublished(10), jobs.slice(1));
    });

    behaviour('a confirmation for an earlier run does not cover the present one', async (ledger) => {
      await queued(ledger, 1);
      const jobs = await ledger.outbox.unpublished(10);
      await ledger.studies.reread(study(1));
      await ledger.outbox.published(jobs);
      assert.deepEqual(await ledger.outbox.unpublished(10), [
        { studyUid: study(1), run: 2, priority: 'routine' },
      ]);
    });

    behaviour('what a broker lost is published again, what it got lately is not', async (ledger, clock) => {
      await queued(ledger, 1);
      await ledger.outbox.published(await ledger.outbox.unpublished(10));
      clock.step(1000);
      await queued(ledger, 2);
      await ledger.outbox.published(await ledger.outbox.unpublished(10));
      assert.equal(await ledger.outbox.forgetPublished('routine', clock.now()), 1);
      assert.deepEqual(
        (await ledger.outbox.unpublished(10)).map((job) => job.studyUid),
        [study(1)],
      );
    });
  });

  describe(`${name}: reports and deliveries`, () => {
    behaviour('a report is recorded with its readings, objects and deliveries', async (ledger) => {
      await reported(ledger, 1);
      const [reading] = await ledger.readings.latest(study(1));
      assert.deepEqual(reading?.reading, READING);
      assert.equal(reading?.inferredAt, 5);
      const objects = await ledger.readings.objects(study(1));
      assert.deepEqual(
        objects.map(({ kind, uid, body }) => [kind, uid, body.kind]),
        [
          ['heat-map', '1.9.1.1.1', 'inline'],
          ['sr-air', '1.9.1.1.2', 'inline'],
          ['oru', 'ORU-1-1', 'inline'],
        ],
      );
      const bytes = await ledger.readings.bytes(objects[1]?.id ?? 0);
      assert.equal(Buffer.from(bytes ?? []).toString(), 'bytes of 1.9.1.1.2');
      assert.deepEqual((await ledger.studies.get(study(1)))?.deliveries, { pending: 3, sent: 0, parked: 0 });
      assert.deepEqual((await ledger.studies.get(study(1)))?.summary, { pneumonia: 'absent' });
    });

    behaviour('a report that contradicts itself is refused whole', async (ledger) => {
      await queued(ledger, 1);
      const claim = await claimed(ledger, 1);
      const broken = report(1);
      await assert.rejects(
        ledger.claims.report(claim, { ...broken, objects: broken.objects.slice(1) }),
        code('ledger.report-invalid'),
      );
      assert.equal(await state(ledger, 1), 'reading');
      assert.deepEqual(await ledger.readings.objects(study(1)), []);
      assert.deepEqual(await ledger.readings.latest(study(1)), []);
    });

    behaviour('heat map, then SR, then ORU; with the last one the study is delivered', async (ledger) => {
      await reported(ledger, 1);
      await nothingDue(ledger, 'ris');
      const heatMap = await delivery(ledger, 'pacs');
      assert.equal(heatMap.delivery.object.kind, 'heat-map');
      await nothingDue(ledger, 'pacs');
      await ledger.deliveries.sent(heatMap);
      await nothingDue(ledger, 'ris');
      const sr = await delivery(ledger, 'pacs');
      assert.equal(sr.delivery.object.kind, 'sr-air');
      assert.deepEqual(await ledger.deliveries.sent(sr), { kind: 'recorded', study: 'reported' });
      const oru = await delivery(ledger, 'ris');
      assert.equal(oru.delivery.object.kind, 'oru');
      assert.deepEqual(await ledger.deliveries.sent(oru), { kind: 'recorded', study: 'delivered' });
      assert.equal(await state(ledger, 1), 'delivered');
      assert.deepEqual(await events(ledger, 1), [
        ...['noticed', 'settled', 'claimed', 'reported', 'sent', 'sent', 'sent', 'delivered'],
      ]);
    });

    behaviour(
      'whoever sent one may go on with the next of the study to the same destination',
      async (ledger) => {
        await reported(ledger, 1);
        await reported(ledger, 2);
        const goOn = { leaseMs: 30_000 };
        const { next, ...first } = await ledger.deliveries.sent(await delivery(ledger, 'pacs'), goOn);
        assert.deepEqual(first, { kind: 'recorded', study: 'reported' });
        assert.ok(next);
        assert.equal(next.delivery.studyUid, study(1));
        assert.equal(next.delivery.object.kind, 'sr-air');
        assert.equal(next.delivery.attempts, 1);
        // It is claimed: the next that is free is another study's.
        const other = await delivery(ledger, 'pacs');
        assert.equal(other.delivery.studyUid, study(2));
        // What is left of the study goes elsewhere.
        assert.deepEqual(await ledger.deliveries.sent(next, goOn), { kind: 'recorded', study: 'reported' });
        const oru = await delivery(ledger, 'ris');
        assert.deepEqual(await ledger.deliveries.sent(oru, goOn), { kind: 'recorded', study: 'delivered' });
      },
    );

    behaviour('a study with nothing to deliver is delivered at once', async (ledger) => {
      await queued(ledger, 1);
      const outcome = await ledger.claims.report(await claimed(ledger, 1), {
        ...report(1),
        deliveries: [],
      });
      assert.deepEqual(outcome, { kind: 'recorded', state: 'delivered' });
    });

    behaviour('a dead PACS holds up no RIS, and a dead RIS no PACS', async (ledger, clock) => {
      await queued(ledger, 1);
      await ledger.claims.report(await claimed(ledger, 1), {
        ...report(1),
        deliveries: [
          ...report(1).deliveries,
          { key: 'copy', destination: 'archive', via: 'pacs', object: 'sr' },
        ],
      });
      const archive = await delivery(ledger, 'archive');
      await ledger.deliveries.failed(archive, { code: 'web.away', message: 'm' }, clock.now() + 1e9);
      await ledger.deliveries.sent(await delivery(ledger, 'pacs'));
      await ledger.deliveries.sent(await delivery(ledger, 'pacs'));
      await ledger.deliveries.sent(await delivery(ledger, 'ris'));
      assert.equal(await state(ledger, 1), 'reported');
      clock.step(1e9);
      const outcome = await ledger.deliveries.sent(await delivery(ledger, 'archive'));
      assert.equal(outcome.study, 'delivered');
    });

    behaviour('a failed attempt waits for its time, with its code, and counts', async (ledger, clock) => {
      await reported(ledger, 1);
      const first = await delivery(ledger, 'pacs');
      assert.equal(first.delivery.attempts, 1);
      await ledger.deliveries.failed(first, { code: 'web.timeout', message: 'm' }, clock.now() + 1000);
      await nothingDue(ledger, 'pacs');
      assert.equal(await ledger.deliveries.nextDue('pacs'), clock.now() + 1000);
      clock.step(1000);
      const second = await delivery(ledger, 'pacs');
      assert.equal(second.delivery.attempts, 2);
      assert.equal(second.delivery.id, first.delivery.id);
      assert.equal(second.delivery.firstAttemptAt, clock.now() - 1000);
      assert.equal(second.delivery.lastFailure?.code, 'web.timeout');
    });

    behaviour(
      'a sender that dies is followed by another after the lease, and fenced',
      async (ledger, clock) => {
        await reported(ledger, 1);
        const first = await delivery(ledger, 'pacs', 'sender-1');
        clock.step(30_000);
        const second = await delivery(ledger, 'pacs', 'sender-2');
        assert.equal(second.delivery.id, first.delivery.id);
        await assert.rejects(ledger.deliveries.sent(first), code('ledger.claim-lost'));
        await assert.rejects(ledger.deliveries.extend(first, 1000), code('ledger.claim-lost'));
        await ledger.deliveries.putBack(first);
        await ledger.deliveries.sent(second);
      },
    );

    behaviour('what a dead sender held is due at once after its next start', async (ledger) => {
      await reported(ledger, 1);
      const held = await delivery(ledger, 'pacs', 'sender-1');
      assert.equal(await ledger.deliveries.releaseWorker('sender-1'), 1);
      await assert.rejects(ledger.deliveries.sent(held), code('ledger.claim-lost'));
      const again = await delivery(ledger, 'pacs', 'sender-1');
      await ledger.deliveries.putBack(again);
      assert.equal((await delivery(ledger, 'pacs')).delivery.attempts, again.delivery.attempts);
    });

    behaviour('a parked SR keeps its ORU back, visibly, and retry takes up both in order', async (ledger) => {
      await reported(ledger, 1);
      await ledger.deliveries.sent(await delivery(ledger, 'pacs'));
      const reason = { code: 'stow.refused', message: 'The PACS refuses the SOP class.' };
      assert.deepEqual(await ledger.deliveries.parked(await delivery(ledger, 'pacs'), reason), {
        kind: 'recorded',
        study: 'reported',
      });
      const stuck = await ledger.studies.history(study(1));
      assert.deepEqual(stuck?.study.deliveries, { pending: 0, sent: 1, parked: 2 });
      assert.deepEqual(
        stuck?.deliveries.map((each) => [each.object.kind, each.state, each.lastFailure?.code]),
        [
          ['heat-map', 'sent', undefined],
          ['sr-air', 'parked', 'stow.refused'],
          ['oru', 'parked', 'delivery.predecessor-parked'],
        ],
      );
      assert.deepEqual(await ledger.deliveries.backlog(), [
        { destination: 'pacs', pending: 0, parked: 1, oldestPendingAt: null },
        { destination: 'ris', pending: 0, parked: 1, oldestPendingAt: null },
      ]);
      assert.deepEqual(await ledger.studies.retry(study(1)), { kind: 'deliveries', count: 2 });
      await nothingDue(ledger, 'ris');
      await ledger.deliveries.sent(await delivery(ledger, 'pacs'));
      assert.equal((await ledger.deliveries.sent(await delivery(ledger, 'ris'))).study, 'delivered');
    });

    behaviour('a parked heat map does not keep the SR back', async (ledger) => {
      await reported(ledger, 1);
      await ledger.deliveries.parked(await delivery(ledger, 'pacs'), { code: 'x', message: 'y' });
      assert.equal((await delivery(ledger, 'pacs')).delivery.object.kind, 'sr-air');
    });

    behaviour('a correction never overtakes its preliminary at the same receiver', async (ledger) => {
      await reported(ledger, 1);
      await ledger.studies.reread(study(1));
      await ledger.claims.report(await claimed(ledger, 1), report(1, 2));
      const uids = [];
      for (let sent = 0; sent < 4; sent += 1) {
        const claim = await delivery(ledger, 'pacs');
        uids.push(claim.delivery.object.uid);
        await ledger.deliveries.sent(claim);
      }
      assert.deepEqual(uids, ['1.9.1.1.1', '1.9.1.1.2', '1.9.1.2.1', '1.9.1.2.2']);
      const preliminary = await delivery(ledger, 'ris');
      assert.equal(preliminary.delivery.object.uid, 'ORU-1-1');
      await nothingDue(ledger, 'ris');
      await ledger.deliveries.parked(preliminary, { code: 'hl7.reject', message: 'm' });
      const correction = await delivery(ledger, 'ris');
      assert.equal(correction.delivery.object.uid, 'ORU-1-2');
      assert.equal((await ledger.deliveries.sent(correction)).study, 'delivered');
      assert.equal(
        (await ledger.studies.retry(study(1))).kind,
        'nothing-to-retry',
        'the superseded preliminary must not follow its correction',
      );
    });

    behaviour(
      'read again before anything was sent, with a heat map as before: everything goes out, in order',
      async (ledger) => {
        // A late film while the archive is away: the first film's heat map is the same in both readings.
        await reported(ledger, 1);
        await ledger.studies.reread(study(1));
        const second = report(1, 2);
        const sameHeatmap = object('heat map', 'heat-map', '1.9.1.1.1');
        const objects = [sameHeatmap, ...second.objects.filter(({ key }) => key !== 'heat map')];
        await ledger.claims.report(await claimed(ledger, 1), { ...second, objects });
        const sent: string[] = [];
        for (let left = 5; left > 0; left -= 1) {
          const claim =
            (await ledger.deliveries.claim({ destination: 'pacs', worker: 'sender', leaseMs: 1000 })) ??
            (await delivery(ledger, 'ris'));
          sent.push(claim.delivery.object.uid);
          await ledger.deliveries.sent(claim);
        }
        assert.deepEqual(sent, ['1.9.1.1.1', '1.9.1.1.2', '1.9.1.2.2', 'ORU-1-1', 'ORU-1-2']);
        assert.equal(await state(ledger, 1), 'delivered');
      },
    );

    behaviour(
      'when a destination answers again, what it put off is due, and nothing else',
      async (ledger, clock) => {
        for (const number of [1, 2, 3]) await reported(ledger, number);
        const later = clock.now() + 60_000;
        await ledger.deliveries.failed(
          await delivery(ledger, 'pacs'),
          { code: 'web.unreachable', message: '' },
          later,
        );
        await ledger.deliveries.failed(
          await delivery(ledger, 'pacs'),
          { code: 'stow.refused', message: '' },
          later,
        );
        await delivery(ledger, 'pacs');
        await nothingDue(ledger, 'pacs');
        assert.equal(await ledger.deliveries.dueAgain('ris', ['web.unreachable']), 0);
        assert.equal(await ledger.deliveries.dueAgain('pacs', ['web.unreachable', 'web.timeout']), 1);
        assert.equal((await delivery(ledger, 'pacs')).delivery.lastFailure?.code, 'web.unreachable');
        await nothingDue(ledger, 'pacs');
      },
    );

    behaviour('an object that a re-read makes again keeps its bytes and is sent once', async (ledger) => {
      await reported(ledger, 1);
      await ledger.deliveries.sent(await delivery(ledger, 'pacs'));
      const before = await ledger.readings.objects(study(1));
      await ledger.studies.reread(study(1));
      const same = report(1);
      await ledger.claims.report(await claimed(ledger, 1), {
        ...same,
        objects: same.objects.map((each) => ({
          ...each,
          body: { kind: 'inline', bytes: Buffer.from('made later') },
        })),
      });
      assert.deepEqual(await ledger.readings.objects(study(1)), before);
      const sr = await delivery(ledger, 'pacs');
      assert.equal(sr.delivery.object.kind, 'sr-air');
      const bytes = await ledger.readings.bytes(sr.delivery.object.id);
      assert.equal(Buffer.from(bytes ?? []).toString(), 'bytes of 1.9.1.1.2');
      await ledger.deliveries.sent(sr);
      await nothingDue(ledger, 'pacs');
      assert.equal((await ledger.deliveries.sent(await delivery(ledger, 'ris'))).study, 'delivered');
    });

    behaviour(
      'what waits for a PACS that is not there any more goes to another, in its order',
      async (ledger, clock) => {
        await reported(ledger, 1);
        const held = await delivery(ledger, 'pacs');
        // Its sender is dead, or hangs: the lease ran out.
        clock.step(30_000);
        const to = { destination: 'archive', via: 'pacs' } as const;
        assert.deepEqual(await ledger.deliveries.redirect(study(1), 'pacs', to), { moved: 2, givenUp: [] });
        await assert.rejects(ledger.deliveries.sent(held), code('ledger.claim-lost'));
        await nothingDue(ledger, 'pacs');
        await nothingDue(ledger, 'ris');
        for (const kind of ['heat-map', 'sr-air']) {
          const claim = await delivery(ledger, 'archive');
          assert.deepEqual([claim.delivery.object.kind, claim.delivery.attempts], [kind, 1]);
          await ledger.deliveries.sent(claim);
        }
        const last = await ledger.deliveries.sent(await delivery(ledger, 'ris'));
        assert.equal(last.study, 'delivered');
        const told = (await ledger.studies.history(study(1)))?.events.find(
          ({ kind }) => kind === 'redirected',
        );
        assert.deepEqual(
          [told?.at, told?.subject, told?.reason?.code],
          [clock.now(), 'pacs to archive', 'delivery.no-destination'],
        );
      },
    );

    behaviour(
      'what is being sent is neither moved nor given up, and nothing else of its study',
      async (ledger) => {
        await reported(ledger, 1);
        await ledger.deliveries.sent(await delivery(ledger, 'pacs'));
        const sr = await delivery(ledger, 'pacs', 'sender of elsewhere');
        const before = await ledger.studies.history(study(1));
        for (const to of [{ destination: 'archive', via: 'pacs' } as const, null]) {
          assert.deepEqual(await ledger.deliveries.redirect(study(1), 'pacs', to), {
            moved: 0,
            givenUp: [],
            heldBy: 'sender of elsewhere',
          });
        }
        assert.deepEqual(await ledger.studies.history(study(1)), before);
        await ledger.deliveries.sent(sr);
        assert.equal((await ledger.deliveries.sent(await delivery(ledger, 'ris'))).study, 'delivered');
      },
    );

    behaviour('what was parked there goes to the other one too, with what waited for it', async (ledger) => {
      await reported(ledger, 1);
      await ledger.deliveries.sent(await delivery(ledger, 'pacs'));
      await ledger.deliveries.parked(await delivery(ledger, 'pacs'), { code: 'x', message: 'y' });
      const to = { destination: 'folder', via: 'folder' } as const;
      assert.deepEqual(await ledger.deliveries.redirect(study(1), 'pacs', to), { moved: 1, givenUp: [] });
      await nothingDue(ledger, 'ris');
      const sr = await delivery(ledger, 'folder');
      assert.deepEqual([sr.delivery.via, sr.delivery.lastFailure], ['folder', null]);
      await ledger.deliveries.sent(sr);
      assert.equal((await ledger.deliveries.sent(await delivery(ledger, 'ris'))).study, 'delivered');
    });

    behaviour(
      'what is given up takes the message with it that announces it, and the study fails visibly',
      async (ledger) => {
        await reported(ledger, 1);
        assert.deepEqual(await ledger.deliveries.redirect(study(1), 'pacs', null), {
          moved: 0,
          givenUp: ['pacs', 'pacs', 'ris'],
        });
        await nothingDue(ledger, 'pacs');
        await nothingDue(ledger, 'ris');
        assert.deepEqual(await ledger.deliveries.backlog(), []);
        const history = await ledger.studies.history(study(1));
        assert.deepEqual(history?.study.status, {
          state: 'failed',
          reason: history?.events.at(-1)?.reason,
        });
        assert.equal(history?.study.lastFailure?.code, 'delivery.no-destination');
        assert.deepEqual(
          history?.events.slice(-4).map(({ kind, subject }) => [kind, subject]),
          [
            ['given-up', 'pacs'],
            ['given-up', 'ris'],
            ['given-up', 'pacs'],
            ['failed', null],
          ],
        );
        assert.equal(history?.objects.length, 3, 'what was made is still there');
        assert.equal((await ledger.studies.retry(study(1))).kind, 'queued');
      },
    );

    behaviour('a message whose report goes to another archive too waits for that one', async (ledger) => {
      await reportedToo(ledger, 'archive');
      assert.deepEqual((await ledger.deliveries.redirect(study(1), 'pacs', null)).givenUp, ['pacs', 'pacs']);
      await nothingDue(ledger, 'ris');
      await ledger.deliveries.sent(await delivery(ledger, 'archive'));
      assert.equal((await ledger.deliveries.sent(await delivery(ledger, 'ris'))).study, 'delivered');
    });

    behaviour(
      'a message whose report is parked elsewhere is parked with it, and goes after it',
      async (ledger) => {
        await reportedToo(ledger, 'archive');
        await ledger.deliveries.parked(await delivery(ledger, 'archive'), { code: 'x', message: 'y' });
        assert.deepEqual((await ledger.deliveries.redirect(study(1), 'pacs', null)).givenUp, [
          'pacs',
          'pacs',
        ]);
        await nothingDue(ledger, 'ris');
        assert.deepEqual(
          (await ledger.deliveries.backlog()).map(({ destination, pending, parked }) => [
            destination,
            pending,
            parked,
          ]),
          [
            ['archive', 0, 1],
            ['ris', 0, 1],
          ],
        );
        assert.equal(await state(ledger, 1), 'reported');
        assert.deepEqual(await ledger.studies.retry(study(1)), { kind: 'deliveries', count: 2 });
        await nothingDue(ledger, 'ris');
        await ledger.deliveries.sent(await delivery(ledger, 'archive'));
        assert.equal((await ledger.deliveries.sent(await delivery(ledger, 'ris'))).study, 'delivered');
      },
    );

    behaviour('a message waits for the copy that was sent before one that is parked', async (ledger) => {
      await reportedToo(ledger, 'archive', 'archive-2');
      await ledger.deliveries.parked(await delivery(ledger, 'archive'), { code: 'x', message: 'y' });
      await ledger.deliveries.sent(await delivery(ledger, 'archive-2'));
      assert.deepEqual((await ledger.deliveries.redirect(study(1), 'pacs', null)).givenUp, ['pacs', 'pacs']);
      await ledger.deliveries.sent(await delivery(ledger, 'ris'));
      assert.equal(await state(ledger, 1), 'reported', 'the parked copy is still to be sent');
    });

    behaviour(
      'a copy that is given up after the rest was sent leaves the study delivered',
      async (ledger) => {
        await queued(ledger, 1);
        const made = report(1);
        const copy = { key: 'copy', destination: 'archive', via: 'pacs', object: 'sr' } as const;
        await ledger.claims.report(await claimed(ledger, 1), {
          ...made,
          deliveries: [...made.deliveries, copy],
        });
        for (const destination of ['pacs', 'pacs', 'ris'])
          await ledger.deliveries.sent(await delivery(ledger, destination));
        assert.deepEqual((await ledger.deliveries.redirect(study(1), 'archive', null)).givenUp, ['archive']);
        assert.equal(await state(ledger, 1), 'delivered');
      },
    );

    behaviour(
      'where the other destination has the same object, it is not sent there twice',
      async (ledger) => {
        await reportedToo(ledger, 'archive');
        await ledger.deliveries.sent(await delivery(ledger, 'archive'));
        const to = { destination: 'archive', via: 'pacs' } as const;
        assert.deepEqual(await ledger.deliveries.redirect(study(1), 'pacs', to), { moved: 2, givenUp: [] });
        assert.equal((await delivery(ledger, 'archive')).delivery.object.kind, 'heat-map');
        await nothingDue(ledger, 'archive');
        assert.ok(await delivery(ledger, 'ris'), 'its report is stored');
      },
    );

    behaviour('a receiver that has its own message of the reading gets no second one', async (ledger) => {
      await queued(ledger, 1);
      const made = report(1);
      await ledger.claims.report(await claimed(ledger, 1), {
        ...made,
        objects: [...made.objects, object('other', 'oru', 'ORU-1-other')],
        deliveries: [...made.deliveries, { key: 'o', destination: 'ris-2', via: 'ris', object: 'other' }],
      });
      for (const destination of ['pacs', 'pacs', 'ris-2'])
        await ledger.deliveries.sent(await delivery(ledger, destination));
      const to = { destination: 'ris-2', via: 'ris' } as const;
      assert.deepEqual(await ledger.deliveries.redirect(study(1), 'ris', to), { moved: 0, givenUp: ['ris'] });
      await nothingDue(ledger, 'ris-2');
      assert.equal(await state(ledger, 1), 'delivered');
    });

    behaviour('a preliminary does not follow its correction to another archive', async (ledger) => {
      await queued(ledger, 1);
      const to = { destination: 'archive', via: 'pacs' } as const;
      await ledger.claims.report(await claimed(ledger, 1), report(1));
      await ledger.studies.reread(study(1));
      const second = report(1, 2);
      const deliveries = second.deliveries.map((each) => (each.via === 'pacs' ? { ...each, ...to } : each));
      await ledger.claims.report(await claimed(ledger, 1), { ...second, deliveries });
      assert.deepEqual(await ledger.deliveries.redirect(study(1), 'pacs', to), {
        moved: 0,
        givenUp: ['pacs', 'pacs', 'ris'],
      });
      for (const destination of ['archive', 'archive', 'ris']) {
        const claim = await delivery(ledger, destination);
        assert.equal(claim.delivery.run, 2);
        await ledger.deliveries.sent(claim);
      }
      assert.equal(await state(ledger, 1), 'delivered');
    });

    behaviour(
      'a preliminary and its correction that are moved to one archive arrive in their order',
      async (ledger, clock) => {
        const onlyTo = (destination: string, run: number) => ({
          ...report(1, run),
          deliveries: [{ key: 'sr', destination, via: 'pacs', object: 'sr' } as const],
        });
        await queued(ledger, 1);
        await ledger.claims.report(await claimed(ledger, 1), onlyTo('old', 1));
        await ledger.studies.reread(study(1));
        await ledger.claims.report(await claimed(ledger, 1), onlyTo('older', 2));
        const to = { destination: 'archive', via: 'pacs' } as const;
        for (const from of ['old', 'older']) {
          assert.deepEqual(await ledger.deliveries.redirect(study(1), from, to), { moved: 1, givenUp: [] });
        }
        const preliminary = await delivery(ledger, 'archive');
        assert.equal(preliminary.delivery.run, 1);
        await nothingDue(ledger, 'archive');
        const reason = { code: 'web.unreachable', message: '' };
        await ledger.deliveries.failed(preliminary, reason, clock.now() + 1000);
        await nothingDue(ledger, 'archive');
        clock.step(1000);
        for (const run of [1, 2]) {
          const claim = await delivery(ledger, 'archive');
          assert.equal(claim.delivery.run, run);
          await ledger.deliveries.sent(claim);
        }
        assert.equal(await state(ledger, 1), 'delivered');
      },
    );

    behaviour(
      'what is moved does not wait for what waits for it, also where a later run has taken it up',
      async (ledger) => {
        // The message of the first run waits for the report; the second run makes the same report, and a message of its own.
        await queued(ledger, 1);
        const first = report(1);
        const toFolder = { destination: 'folder', via: 'folder' } as const;
        const inFolder = ({ deliveries, ...rest }: typeof first) => ({
          ...rest,
          deliveries: deliveries.map((each) => (each.object === 'oru' ? { ...each, ...toFolder } : each)),
        });
        await ledger.claims.report(await claimed(ledger, 1), inFolder(first));
        await ledger.studies.reread(study(1));
        const objects = [...first.objects.slice(0, 2), ...report(1, 2).objects.slice(2)];
        await ledger.claims.report(await claimed(ledger, 1), inFolder({ ...report(1, 2), objects }));
        await ledger.deliveries.redirect(study(1), 'pacs', toFolder);
        const sent: string[] = [];
        for (let left = 4; left > 0; left -= 1) {
          const claim = await delivery(ledger, 'folder');
          sent.push(claim.delivery.object.uid);
          await ledger.deliveries.sent(claim);
        }
        assert.deepEqual(sent, ['1.9.1.1.1', '1.9.1.1.2', 'ORU-1-1', 'ORU-1-2']);
        assert.equal(await state(ledger, 1), 'delivered');
      },
    );

    behaviour('the studies that wait for a destination are named page by page', async (ledger) => {
      for (const number of [1, 2, 3]) await reported(ledger, number);
      const named = async (after: Parameters<Ledger['deliveries']['open']>[1]) =>
        (await ledger.deliveries.open('pacs', after, 2)).map(({ studyUid, via }) => [studyUid, via]);
      assert.deepEqual(await named(null), [
        [study(1), 'pacs'],
        [study(2), 'pacs'],
      ]);
      assert.deepEqual(await named(study(2)), [[study(3), 'pacs']]);
      await ledger.deliveries.redirect(study(3), 'pacs', null);
      assert.deepEqual(await named(study(2)), []);
      assert.deepEqual(await ledger.deliveries.redirect(study(9), 'pacs', null), { moved: 0, givenUp: [] });
    });

    behaviour('stat results leave before routine ones', async (ledger, clock) => {
      await reported(ledger, 1);
      clock.step(10);
      await queued(ledger, 2, { priority: 'stat' });
      await ledger.claims.report(await claimed(ledger, 2), report(2));
      assert.equal((await delivery(ledger, 'pacs')).delivery.studyUid, study(2));
      assert.equal((await delivery(ledger, 'pacs')).delivery.studyUid, study(1));
    });

    behaviour('several senders at once never hold the same delivery', async (ledger, clock) => {
      const beside = await open(clock, ledger);
      try {
        for (let number = 1; number <= 12; number += 1) await reported(ledger, number);
        const senders = [ledger, beside, ledger, beside];
        const claims = await Promise.all(
          senders.map(async (each, index) => {
            const held = [];
            const options = { destination: 'pacs', worker: `sender-${index}`, leaseMs: 30_000 };
            for (let claim = await each.deliveries.claim(options); claim !== undefined; ) {
              held.push(claim.delivery.id);
              claim = await each.deliveries.claim(options);
            }
            return held;
          }),
        );
        const all = claims.flat();
        assert.equal(all.length, 12);
        assert.equal(new Set(all).size, 12);
      } finally {
        await beside.close();
      }
    });
  });

  describe(`${name}: lists and upkeep`, () => {
    behaviour('pages go on where the last ended, whatever comes in between', async (ledger, clock) => {
      for (let number = 1; number <= 25; number += 1) {
        await ledger.studies.notice(received(number));
        // Several studies of the same millisecond stand side by side.
        if (number % 4 === 0) clock.step(1);
      }
      const seen: string[] = [];
      let cursor: string | undefined;
      for (let page = 0; ; page += 1) {
        const { studies, next } = await ledger.studies.list({ limit: 4, ...(cursor && { cursor }) });
        seen.push(...studies.map((each) => each.studyUid));
        if (next === null) break;
        cursor = next;
        await ledger.studies.notice(received(100 + page));
        await ledger.studies.settle(study(25 - page));
        clock.step(1);
      }
      assert.equal(seen.length, 25);
      assert.equal(new Set(seen).size, 25);
      assert.ok(seen.every((uid) => Number(uid.split('.').at(-1)) <= 25));
      await assert.rejects(ledger.studies.list({ cursor: 'nonsense' }), code('ledger.cursor-invalid'));
    });

    behaviour('a list can be of one state and since a time', async (ledger, clock) => {
      await queued(ledger, 1);
      clock.step(1000);
      await queued(ledger, 2);
      await ledger.studies.notice(received(3));
      const uids = async (filter: Parameters<Ledger['studies']['list']>[0]) =>
        (await ledger.studies.list(filter)).studies.map((each) => each.studyUid).sort();
      assert.deepEqual(await uids({ state: 'queued' }), [study(1), study(2)]);
      assert.deepEqual(await uids({ since: clock.now() }), [study(2), study(3)]);
      assert.deepEqual(await uids({ state: 'queued', since: clock.now() }), [study(2)]);
    });

    behaviour('the triage list has stat first, then present, and pages go on', async (ledger, clock) => {
      const cases = [
        ['absent', 'routine'],
        ['present', 'routine'],
        ['present', 'stat'],
        ['absent', 'stat'],
        ['undetermined', 'routine'],
        [null, 'routine'],
      ] as const;
      for (const [index, [pneumonia, priority]] of cases.entries()) {
        clock.step(1);
        await queued(ledger, index + 1, { priority });
        if (pneumonia === null) continue;
        const label = pneumonia === 'present' ? 'viral-pneumonia' : null;
        await ledger.claims.report(await claimed(ledger, index + 1), {
          ...report(index + 1),
          deliveries: [],
          summary: { pneumonia, label },
        });
      }
      clock.step(1);
      await queued(ledger, 7);
      await ledger.claims.fail(await claimed(ledger, 7), { code: 'pixel.truncated', message: 'cut off' });
      const order: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await ledger.studies.triage({ limit: 2, ...(cursor === undefined ? {} : { cursor }) });
        order.push(...page.studies.map(({ studyUid }) => studyUid));
        cursor = page.next ?? undefined;
      } while (cursor !== undefined);
      assert.deepEqual(order, [3, 4, 2, 7, 5, 6, 1].map(study));
      const uids = async (filter: Parameters<typeof ledger.studies.triage>[0]) =>
        (await ledger.studies.triage(filter)).studies.map(({ studyUid }) => studyUid);
      assert.deepEqual(await uids({ label: 'viral-pneumonia' }), [3, 2].map(study));
      assert.deepEqual(await uids({ label: null }), [4, 5, 1].map(study));
      assert.deepEqual(await uids({ state: 'stuck' }), [study(7)]);
      assert.deepEqual(await uids({ state: 'queued' }), [study(6)]);
      assert.deepEqual(await uids({ since: clock.now() }), [study(7)]);
      await assert.rejects(ledger.studies.triage({ cursor: 'nonsense' }), code('ledger.cursor-invalid'));
    });

    behaviour('the revision tells that something changed, and what passed is told', async (ledger, clock) => {
      const start = clock.now();
      const before = await ledger.studies.revision();
      assert.equal(await ledger.studies.revision(), before);
      await queued(ledger, 1);
      await ledger.claims.report(await claimed(ledger, 1), report(1));
      const after = await ledger.studies.revision();
      assert.notEqual(after, before);
      const claim = await ledger.deliveries.claim({ ...WORKER, destination: 'pacs' });
      assert.ok(claim);
      await ledger.deliveries.parked(claim, { code: 'web.refused', message: 'refused' });
      const attempts = await ledger.activity.lastAttempts();
      assert.equal(attempts[0]?.destination, 'pacs');
      assert.equal(attempts[0]?.reason?.code, 'web.refused');
      const passed = await ledger.activity.since(start, ['settled', 'reported']);
      assert.deepEqual(
        passed.map(({ kind }) => kind),
        ['settled', 'reported'],
      );
      await ledger.retention.forget(study(1));
      assert.notEqual(await ledger.studies.revision(), after);
    });

    behaviour('counts and the oldest waiting are those of the moment', async (ledger, clock) => {
      await queued(ledger, 1);
      const due = clock.now();
      clock.step(10);
      await queued(ledger, 2);
      await queued(ledger, 3, { priority: 'stat' });
      await ledger.studies.notice(received(4));
      const counts = await ledger.studies.countByState();
      assert.deepEqual([counts.queued, counts.settling, counts.delivered], [3, 1, 0]);
      assert.deepEqual(await ledger.studies.waiting(), { stat: 1, routine: 2 });
      assert.deepEqual(await ledger.studies.oldestWaiting(), { stat: clock.now(), routine: due });
    });

    behaviour('polls are remembered: how long a study kept its size', async (ledger) => {
      assert.deepEqual(await ledger.polls.observe('main', study(1), 2), { kind: 'changed' });
      assert.deepEqual(await ledger.polls.observe('main', study(1), 2), { kind: 'same', polls: 2 });
      assert.deepEqual(await ledger.polls.observe('other', study(1), 2), { kind: 'changed' });
      assert.deepEqual(await ledger.polls.observe('main', study(1), 3), { kind: 'changed' });
    });

    behaviour('when the clock was set back by an hour, nothing waits an hour', async (ledger, clock) => {
      const waits = {
        readAgainMs: 60_000,
        sendAgainMs: 60_000,
        leaseMs: 60_000,
        settleMs: { receive: 1000, poll: 5000, notify: 0 },
      };
      await queued(ledger, 1);
      await queued(ledger, 2);
      await claimed(ledger, 2, { worker: 'dies', leaseMs: 60_000 });
      await ledger.studies.notice(received(3, { settleAt: clock.now() + 1000 }));
      await reported(ledger, 4);
      const attempt = await delivery(ledger, 'pacs');
      await ledger.looks.promise({ studyUid: study(9), pacs: null, priority: 'routine' });
      assert.equal(await ledger.clockSteps.pullIn(waits), 0, 'nothing is wrong yet');
      clock.step(-3_600_000);
      assert.equal(await ledger.claims.claimNext(WORKER), undefined);
      await ledger.clockSteps.pullIn(waits);
      assert.equal((await ledger.claims.claimNext(WORKER))?.studyUid, study(1));
      clock.step(1000);
      assert.equal((await ledger.studies.settleDue()).length, 1);
      clock.step(60_000);
      assert.ok((await ledger.claims.reap()).some(({ studyUid }) => studyUid === study(2)));
      assert.equal((await delivery(ledger, 'pacs')).delivery.id, attempt.delivery.id);
      assert.ok(await ledger.looks.claim(1000));
    });

    behaviour(
      'a promised look is made by one process, by another one when that dies, and once',
      async (ledger, clock) => {
        const look = { studyUid: study(1), pacs: 'archive', priority: 'stat' } as const;
        await ledger.looks.promise(look);
        await ledger.looks.promise(look);
        const first = await ledger.looks.claim(60_000);
        assert.deepEqual({ ...first, token: 0 }, { ...look, token: 0, failures: 0, firstFailedAt: null });
        assert.equal(await ledger.looks.claim(60_000), undefined, 'it is in hand');
        clock.step(60_000);
        const second = await ledger.looks.claim(60_000);
        assert.ok(first && second, 'the first one died over it');
        await ledger.looks.made(first);
        await ledger.looks.failed(second, clock.now() + 1000);
        assert.equal(await ledger.looks.claim(60_000), undefined);
        clock.step(1000);
        const third = await ledger.looks.claim(60_000);
        assert.ok(third);
        await ledger.looks.promise(look);
        await ledger.looks.made(third);
        const fourth = await ledger.looks.claim(60_000);
        assert.ok(fourth, 'promised anew while it was made: once more');
        await ledger.looks.made(fourth);
        clock.step(60_000);
        assert.equal(await ledger.looks.claim(60_000), undefined);
      },
    );

    behaviour(
      'a look that fails is counted, and given up visibly; a new promise begins anew',
      async (ledger, clock) => {
        const look = { studyUid: study(1), pacs: 'archive', priority: 'routine' } as const;
        await reported(ledger, 1);
        await ledger.looks.promise(look);
        const began = clock.now();
        for (const failures of [0, 1, 2]) {
          const claim = await ledger.looks.claim(60_000);
          assert.deepEqual(
            [claim?.failures, claim?.firstFailedAt],
            [failures, failures === 0 ? null : began],
          );
          assert.ok(claim);
          await ledger.looks.failed(claim, clock.now() + 1000);
          clock.step(1000);
        }
        const old = await ledger.looks.claim(60_000);
        await ledger.looks.promise(look);
        const fresh = await ledger.looks.claim(60_000);
        assert.ok(old && fresh);
        assert.deepEqual([fresh.failures, fresh.firstFailedAt], [0, null]);
        const reason = { code: 'study.look-given-up', message: 'm' };
        assert.equal(await ledger.looks.givenUp(old, reason), false, 'it was promised anew');
        assert.equal(await ledger.looks.givenUp(fresh, reason), true);
        const told = (await ledger.studies.history(study(1)))?.events.at(-1);
        assert.deepEqual([told?.kind, told?.subject, told?.reason], ['look-given-up', 'archive', reason]);
        clock.step(60_000);
        assert.equal(await ledger.looks.claim(60_000), undefined);
        await ledger.looks.promise({ ...look, studyUid: study(9) });
        const unknown = await ledger.looks.claim(60_000);
        assert.ok(unknown);
        assert.equal(
          await ledger.looks.givenUp(unknown, reason),
          true,
          'also where retention let the study go',
        );
      },
    );

    behaviour("the radiologist's word is kept with the run it is about", async (ledger) => {
      await reported(ledger, 1);
      const word = { agree: false, label: 'viral-pneumonia', comment: "it's viral", author: 'dr' };
      assert.deepEqual(await ledger.feedback.add(study(1), word), { kind: 'recorded' });
      assert.deepEqual(await ledger.feedback.add(study(9), word), { kind: 'unknown' });
      const history = await ledger.studies.history(study(1));
      assert.deepEqual(
        history?.feedback.map(({ run, agree, comment }) => [run, agree, comment]),
        [[1, false, "it's viral"]],
      );
    });

    behaviour('old ended studies are named with their files, and forgotten whole', async (ledger, clock) => {
      await reported(ledger, 1);
      await queued(ledger, 2);
      await ledger.claims.skip(await claimed(ledger, 2), { code: 'x', message: 'y' });
      clock.step(1000);
      await queued(ledger, 3);
      await ledger.claims.skip(await claimed(ledger, 3), { code: 'x', message: 'y' });
      const expirable = await ledger.retention.expirable({
        states: ['delivered', 'skipped'],
        before: clock.now(),
        limit: 10,
      });
      assert.deepEqual(expirable, [{ studyUid: study(2), files: ['incoming/2.dcm'] }]);
      assert.deepEqual(await ledger.retention.forget(study(1)), { kind: 'forgotten' });
      assert.deepEqual(await ledger.retention.forget(study(1)), { kind: 'unknown' });
      assert.equal(await ledger.studies.get(study(1)), undefined);
      assert.equal(await ledger.studies.history(study(1)), undefined);
      await nothingDue(ledger, 'pacs');
      await ledger.films.bytesRemoved(study(2), { kind: 'gone' });
      assert.deepEqual((await ledger.films.list(study(2)))[0]?.location, { kind: 'gone' });
    });

    behaviour('a late film that opens a study again saves it from retention', async (ledger, clock) => {
      await queued(ledger, 1);
      await ledger.claims.skip(await claimed(ledger, 1), { code: 'x', message: 'y' });
      clock.step(1000);
      const before = clock.now();
      const options = { states: ['skipped'], before, limit: 10 } as const;
      assert.equal((await ledger.retention.expirable(options)).length, 1);
      await ledger.studies.notice(received(1, { instances: [film(2)] }));
      assert.deepEqual(await ledger.retention.forget(study(1), before), { kind: 'kept' });
      assert.equal((await ledger.studies.get(study(1)))?.status.state, 'settling');
      assert.equal((await ledger.films.list(study(1))).length, 2);
    });

    behaviour('a study as large as any is entered and read back', async (ledger) => {
      const instances = Array.from({ length: 1000 }, (_, index) => film(index));
      const outcome = await ledger.studies.notice(received(1, { instances }));
      assert.equal(outcome.instances.length, 1000);
      assert.equal((await ledger.films.list(study(1))).length, 1000);
      const known = await ledger.films.known(study(1), [sop(5), sop(5000)]);
      assert.deepEqual([...known], [sop(5)]);
    });

    behaviour('readings of a model beside are kept apart, and forgotten with their study', async (ledger) => {
      await reported(ledger, 1);
      const [real] = await ledger.readings.latest(study(1));
      assert.ok(real !== undefined);
      const beside = { ...real, reading: { ...real.reading, model: { ...real.model, sha256: 'beside' } } };
      await ledger.readings.addShadow(study(1), 1, [beside]);
      await ledger.readings.addShadow(study(1), 1, [beside]);
      await ledger.readings.addShadow(study(2), 1, [beside]);
      const history = await ledger.studies.history(study(1));
      assert.deepEqual(
        history?.shadowReadings.map(({ model }) => model.sha256),
        ['beside'],
      );
      assert.deepEqual(history?.readings, [real]);
      assert.deepEqual(await ledger.readings.latest(study(1)), [real]);
      assert.deepEqual(
        (await ledger.readings.recent(10)).map(({ reading }) => reading.model.sha256),
        [real.model.sha256],
      );
      assert.deepEqual(await ledger.readings.recent(0), []);
      assert.deepEqual(await ledger.retention.forget(study(1)), { kind: 'forgotten' });
    });

    behaviour('file objects keep their path', async (ledger) => {
      await queued(ledger, 1);
      await ledger.claims.report(await claimed(ledger, 1), {
        ...report(1),
        objects: [{ ...object('sr', 'sr-air', '1.5'), body: { kind: 'file', path: 'reports/1.5.sr.dcm' } }],
        deliveries: [{ key: 'a', destination: 'out', via: 'folder', object: 'sr' }],
      });
      const [sr] = await ledger.readings.objects(study(1));
      assert.deepEqual(sr?.body, { kind: 'file', path: 'reports/1.5.sr.dcm' });
      assert.equal(await ledger.readings.bytes(sr?.id ?? 0), undefined);
    });
  });
}
