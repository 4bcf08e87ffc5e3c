import type { Peer } from '../observe/audit/events.ts';
import type { Context } from './context.ts';

/** Names and addresses that are told one by one within a minute; what more there are is told as a number. */
const MOST_TOLD = 30;
const MINUTE_MS = 60_000;

interface Refused {
  readonly who: Peer;
  /** Since it was told. */
  times: number;
}

/** Sign-ins that were refused, on their way into the audit trail. */
export interface RefusedSignIns {
  /** Somebody was refused. */
  note(who: Peer): void;
  /** Tells what was only counted until now: the service stops. */
  tellAll(): void;
}

/**
 * Tells the audit trail of sign-ins that were refused: the first of a name at an address at once, what follows within the
 * minute as one message with their number. Whoever has no credentials at all could otherwise fill the disk of the trail,
 * or the room that waits for its repository, with thousands of messages a second, and hide in them.
 */
export function refusedSignIns({ audit }: Pick<Context, 'audit'>): RefusedSignIns {
  const told = new Map<string, Refused>();
  const others: Refused = { who: { name: 'several names or addresses' }, times: 0 };
  let counting: NodeJS.Timeout | undefined;

  function tellAll(): void {
    clearTimeout(counting);
    counting = undefined;
    for (const { who, times } of [...told.values(), others]) {
      if (times > 0) audit.record((events) => events.refused(who, times));
    }
    told.clear();
    others.times = 0;
  }

  return {
    note(who) {
      counting ??= setTimeout(tellAll, MINUTE_MS).unref();
      const key = `${who.address ?? ''} ${who.name}`;
      const known = told.get(key) ?? (told.size < MOST_TOLD ? undefined : others);
      if (known !== undefined) {
        known.times += 1;
        return;
      }
      told.set(key, { who, times: 0 });
      audit.record((events) => events.refused(who, 1));
    },
    tellAll,
  };
}
