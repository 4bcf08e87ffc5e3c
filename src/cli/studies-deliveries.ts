import { DeepHealthError } from '../errors/error.ts';
import type { Ledger, NewDelivery } from '../ledger/types.ts';
import type { StudyUid } from '../ledger/uids.ts';
import { destinationsOf } from '../reading/plan-deliveries.ts';
import { EXIT } from './exit.ts';
import type { DeliveriesOptions } from './studies.ts';
import { say, withLedger } from './studies-ledger.ts';

const PAGE = 500;

/**
 * `studies deliveries`: what waits for each destination. With the name of one that is not configured any more, what waits
 * for it goes to another, or is given up; exit code 1 where a study was left as it is because it is being sent.
 *
 * @throws DeepHealthError `usage.wrong`, `config.invalid`, `service.no-data`, `ledger.*`
 */
export async function deliveriesOf(
  file: string | null,
  destination: string | undefined,
  options: DeliveriesOptions,
): Promise<void> {
  const { to, giveUp = false } = options;
  if (destination === undefined && (to !== undefined || giveUp)) {
    throw new DeepHealthError('usage.wrong', 'Name the destination whose deliveries are meant.');
  }
  if (destination !== undefined && (to !== undefined) === giveUp) {
    throw new DeepHealthError('usage.wrong', 'Say where they go (--to NAME), or --give-up.');
  }
  await withLedger(file, async (ledger, _keyOf, _folder, config) => {
    const configured = destinationsOf(config);
    const named = (name: string | undefined) => configured.find((each) => each.destination === name);
    if (destination === undefined) {
      await list(ledger, configured, options);
      return;
    }
    if (named(destination) !== undefined) {
      throw new DeepHealthError(
        'usage.wrong',
        `${destination} is in the config: results go there as soon as it takes them. Take it out first.`,
      );
    }
    const target = named(to);
    if (to !== undefined && target === undefined) {
      throw new DeepHealthError('usage.wrong', `${to} is no destination of the config.`);
    }
    await redirect(ledger, destination, target ?? null, options);
  });
}

async function list(
  ledger: Ledger,
  configured: readonly Pick<NewDelivery, 'destination' | 'via'>[],
  options: DeliveriesOptions,
): Promise<void> {
  const backlog = await ledger.deliveries.backlog();
  const names = new Set([...configured, ...backlog].map(({ destination }) => destination));
  for (const destination of names) {
    const {
      pending = 0,
      parked = 0,
      oldestPendingAt = null,
    } = backlog.find((each) => each.destination === destination) ?? {};
    const via = configured.find((each) => each.destination === destination)?.via ?? null;
    const oldest = oldestPendingAt === null ? null : new Date(oldestPendingAt).toISOString();
    const waiting = { destination, configured: via !== null, via, pending, parked, oldestPending: oldest };
    say(options, waiting, () => {
      const since = oldest === null ? '' : `, since ${oldest.slice(0, 19).replace('T', ' ')}`;
      const missing = via === null ? '  NOT IN THE CONFIG' : '';
      return `${destination.padEnd(16)}  ${pending} pending, ${parked} parked${since}${missing}\n`;
    });
  }
}

async function redirect(
  ledger: Ledger,
  from: string,
  to: Pick<NewDelivery, 'destination' | 'via'> | null,
  options: DeliveriesOptions,
): Promise<void> {
  // All of them are looked at before any is touched.
  for (const tried of [true, false]) {
    for await (const { studyUid, via } of openOf(ledger, from)) {
      if (tried) {
        if (to === null || to.via === via || to.via === 'folder') continue;
        throw new DeepHealthError(
          'usage.wrong',
          `What waits for ${from} was made for a ${via.toUpperCase()}, and ${to.destination} is a ${to.via.toUpperCase()}.`,
        );
      }
      const { moved, givenUp, heldBy } = await ledger.deliveries.redirect(studyUid, from, to);
      if (heldBy !== undefined) process.exitCode = EXIT.failed;
      const ended = Object.fromEntries(
        [...Map.groupBy(givenUp, (name) => name)].map(([name, all]) => [name, all.length]),
      );
      const held = heldBy === undefined ? {} : { heldBy };
      say(options, { study: studyUid, moved, givenUp: ended, ...held }, () => {
        const parts = [
          ...(heldBy === undefined ? [] : [`being sent by ${heldBy}, run the command again`]),
          ...(moved > 0 ? [`${moved} moved to ${to?.destination}`] : []),
          ...Object.entries(ended).map(([name, count]) => `${count} for ${name} given up`),
        ];
        return `${studyUid}  ${parts.join(', ')}\n`;
      });
    }
  }
}

async function* openOf(ledger: Ledger, destination: string) {
  let after: StudyUid | null = null;
  for (;;) {
    const page: Awaited<ReturnType<Ledger['deliveries']['open']>> = await ledger.deliveries.open(
      destination,
      after,
      PAGE,
    );
    yield* page;
    after = page.at(-1)?.studyUid ?? null;
    if (page.length < PAGE) return;
  }
}
