import { removeLeftovers } from '../intake/data-folder.ts';
import type { Looks } from '../intake/looks.ts';
import { sweepRetention } from '../intake/retention.ts';
import { tendQueue } from '../queue/tend.ts';
import { type Loop, startLoop } from '../reading/loop.ts';
import type { Context } from './context.ts';

const TEND_MS = 250;
const LOOK_MS = 1000;
const RETENTION_MS = 10 * 60_000;
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
  const { ledger, queue, folder, log, inForce } = context;
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
  ];
  if (removes) {
    loops.push(
      loop('retention', RETENTION_MS, async () => {
        await removeLeftovers(folder, LEFTOVER_MS);
        const removed = await sweepRetention(ledger, folder, inForce.retentionMs, Date.now());
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
