import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import { DeepHealthError } from '../errors/error.ts';
import { type Ledger, PRIORITIES, type Priority, type ReadingJob } from '../ledger/types.ts';
import { parseJob } from './job-message.ts';
import { workUnderLease } from './lease.ts';
import type { QueueNames } from './rabbitmq-topology.ts';
import { slots } from './slots.ts';
import type { StudyHandler } from './types.ts';

export interface RabbitmqConsumerOptions {
  readonly ledger: Ledger;
  readonly names: QueueNames;
  readonly worker: string;
  readonly leaseMs: number;
  readonly concurrency: number;
  readonly handler: StudyHandler;
  readonly onError: (error: unknown) => void;
}

export interface RabbitmqConsumer {
  /** Takes messages from this connection from now on; called again after each reconnection. */
  attach(connection: ChannelModel): Promise<void>;
  stop(): Promise<void>;
}

/** A message with the channel that it has to be acknowledged on. */
interface Delivered {
  readonly message: ConsumeMessage;
  readonly channel: Channel;
}

/** Pause before the ledger is asked again for a study whose message is in hand. */
const LEDGER_AWAY_MS = 1000;

export function rabbitmqConsumer(options: RabbitmqConsumerOptions): RabbitmqConsumer {
  const { ledger, names, worker, leaseMs, concurrency, handler, onError } = options;
  const room = slots(concurrency);
  const buffered: Record<Priority, Delivered[]> = { stat: [], routine: [] };
  const stopped = new AbortController();
  let attachedTo: ChannelModel | undefined;
  let current: Channel | undefined;
  let tags: string[] = [];

  async function attach(connection: ChannelModel): Promise<void> {
    if (attachedTo === connection) return;
    attachedTo = connection;
    const channel = await connection.createChannel();
    // What a dead connection had delivered is delivered anew.
    buffered.stat = [];
    buffered.routine = [];
    tags = [];
    current = channel;
    channel.on('error', (cause) => onError(new DeepHealthError('queue.unreachable', undefined, { cause })));
    // The broker closed the channel or took a queue away: begin again from the connection.
    const beginAgain = () => {
      if (current === channel && !stopped.signal.aborted) void connection.close().catch(() => undefined);
    };
    channel.once('close', beginAgain);
    for (const priority of PRIORITIES) {
      // Twice what is worked on: when a stat study ends, the next one is here already and no routine one
      // slips in while it travels. The limit counts for each queue on its own.
      await channel.prefetch(concurrency * 2);
      const { consumerTag } = await channel.consume(names.waiting[priority], (message) => {
        if (message === null) beginAgain();
        else {
          buffered[priority].push({ message, channel });
          pump();
        }
      });
      tags.push(consumerTag);
    }
  }

  function pump(): void {
    while (!stopped.signal.aborted && room.hasFree()) {
      const priority = buffered.stat.length > 0 ? 'stat' : 'routine';
      const delivered = buffered[priority].shift();
      if (delivered === undefined) return;
      room.run(() => take(delivered, priority).catch(onError).finally(next));
    }
  }

  /** After the slot was given free, which happens when the task's own promise settles. */
  function next(): void {
    setImmediate(pump);
  }

  async function take({ message, channel }: Delivered, priority: Priority): Promise<void> {
    const parsed = parseJob(message.content, priority);
    if (parsed.kind === 'unreadable') {
      onError(new DeepHealthError('queue.message-unreadable'));
      settle(() => channel.reject(message, false));
    } else if (await claimAndWork(parsed.job)) {
      // The ledger knows the outcome, or takes the study up again when its lease ends: either way the
      // message has done its part.
      settle(() => channel.ack(message));
    } else {
      settle(() => channel.nack(message, false, true));
    }
  }

  /** False when the service stopped before the ledger had answered. */
  async function claimAndWork(job: ReadingJob): Promise<boolean> {
    while (!stopped.signal.aborted) {
      try {
        const outcome = await ledger.claims.claim(job, { worker, leaseMs });
        // Taken, ended, later or forgotten: the ledger has it published again if there is still need.
        if (outcome.kind === 'claimed') {
          await workUnderLease(ledger, outcome.claim, leaseMs, handler, onError);
        }
        return true;
      } catch (error) {
        onError(error);
        await sleep(LEDGER_AWAY_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
      }
    }
    return false;
  }

  return {
    attach,
    async stop() {
      stopped.abort();
      const channel = current;
      // Other readers get what was delivered and not begun.
      for (const tag of tags) await quietly(async () => channel?.cancel(tag));
      for (const { message, channel: on } of [...buffered.stat, ...buffered.routine]) {
        settle(() => on.nack(message, false, true));
      }
      await room.idle();
      await quietly(async () => channel?.close());
    },
  };
}

/** An acknowledgement over a connection that died meanwhile: the message comes again, which does no harm. */
function settle(answer: () => void): void {
  try {
    answer();
  } catch {
    // Nothing to do: see above.
  }
}

/** A farewell to a channel that may be closed already, which the library answers by a throw or a rejection. */
async function quietly(farewell: () => Promise<unknown>): Promise<void> {
  await farewell().catch(() => undefined);
}
