import type { Looks } from '../intake/looks.ts';
import { createOrphans } from '../intake/orphans.ts';
import { sweepRetention } from '../intake/retention.ts';
import { watchClock } from '../observe/clock.ts';
import { loggedFailure } from '../observe/log.ts';
import { tendQueue } from '../queue/tend.ts';
import { type Loop, startLoop } from '../reading/loop.ts';
import type { Context } from './context.ts';

const TEND_MS = 250;
const LOOK_MS = 1000;
const RETENTION_MS = 10 * 60_000;
const CLOCK_MS = 1000;
/** So many looks at the clock, and the times in the ledger are looked at too: it may have been set while we were off. */
const LOOKS = 60;
const LEASE_MS = 60_000;
const SETTLE_MS = { receive: 60_000, poll: 60 * 60_000, notify: 0 };
/** The longest pauses that our own plans and a peer's Retry-After can make. */
const PLAUSIBLE = {
  readAgainMs: 6 * 60_000,
  sendAgainMs: 25 * 60 * 60_000,
  leaseMs: LEASE_MS,
  settleMs: SETTLE_MS,
};
const NOW = { ...PLAUSIBLE, readAgainMs: 0, sendAgainMs: 0 };
/** A file in the films folder that nobody recorded for so long belongs to nobody. */
const LEFTOVER_MS = 60 * 60_000;

/** What has to be done from time to time. */
export interface Housekeeping {
  /** A study may have to settle or be published, or a look be made. */
  wake(): void;
  stop(): Promise<void>;
}

/** @param removes whether this process removes what retention lets go */
export function startHousekeeping(context: Context, looks: Looks, removes: boolean): Housekeeping {
  const { ledger, queue, folder, log, keyOf, inForce } = context;
  const loop = (name: string, pauseMs: number, step: () => Promise<boolean>): Loop =>
    startLoop({
      ...{ name, log, pauseMs },
      signal: context.hardStop.signal,
      step: async () => ((await step()) ? { kind: 'worked' } : { kind: 'idle' }),
    });
  const loops = [
    loop('tend the queue', TEND_MS, async () => {
      const { lapsed } = await tendQueue(ledger, queue);
      if (lapsed > 0) log.warn({ studies: lapsed }, 'A reader went away; its studies go back to the queue');
      return false;
    }),
    loop('look for new films', LOOK_MS, () => looks.make()),
    loop('clock', CLOCK_MS, clockStep(context)),
  ];
  if (removes) {
    const orphans = createOrphans(folder, ledger);
    loops.push(
      loop('orphans', LEFTOVER_MS, async () => {
        const removed = await orphans.sweep();
        if (removed > 0) log.info({ files: removed }, 'Removed films that no sender was told of');
        return false;
      }),
      loop('retention', RETENTION_MS, async () => {
        const removed = await sweepRetention(ledger, folder, inForce.retentionMs, Date.now(), (uid, error) =>
          log.error(
            { study: keyOf(uid), ...loggedFailure(error) },
            'A study could not be removed after its retention',
          ),
        );
        if (removed > 0) log.info({ studies: removed }, 'Removed studies after their retention');
        return removed > 0;
      }),
    );
  }
  return {
    wake() {
      for (const each of loops) each.wake();
    },
    async stop() {
      await Promise.all(loops.map((each) => each.stop()));
    },
  };
}

/** Mends what a clock that was set back did to the times in the ledger. */
function clockStep({ ledger, log }: Pick<Context, 'ledger' | 'log'>): () => Promise<boolean> {
  const clock = watchClock();
  let looked = 0;
  let owed = false;
  return async () => {
    const setBackMs = clock.setBackMs();
    if (setBackMs > 0) log.warn({ setBackMs }, 'The clock was set back: what waits for a time is due now');
    owed ||= setBackMs > 0;
    if (owed) await ledger.clockSteps.pullIn(NOW);
    else if (looked % LOOKS === 0) await ledger.clockSteps.pullIn(PLAUSIBLE);
    owed = false;
    looked += 1;
    return false;
  };
}
