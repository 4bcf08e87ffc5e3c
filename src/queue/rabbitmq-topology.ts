import type { Channel } from 'amqplib';
import { PRIORITIES, type Priority } from '../ledger/types.ts';

/** How often a broker hands out the same message before it gives it up to the dead-letter queue. */
const DELIVERY_LIMIT = 20;

/** The names of the queues; `prefix` keeps installations on one broker apart. */
export interface QueueNames {
  readonly waiting: Readonly<Record<Priority, string>>;
  /** What the broker gave up or a reader refused; `sweep` sorts it. */
  readonly dead: string;
  /** Messages that are not jobs of ours, kept for a person. */
  readonly unreadable: string;
}

export function queueNames(prefix: string): QueueNames {
  return {
    waiting: { stat: `${prefix}.stat`, routine: `${prefix}.routine` },
    dead: `${prefix}.dead`,
    unreadable: `${prefix}.unreadable`,
  };
}

/**
 * Declares the queues; harmless when they are there. Quorum queues survive the loss of a broker node and count
 * deliveries, but know no priorities: one queue for each.
 */
export async function declareQueues(channel: Channel, names: QueueNames): Promise<void> {
  const quorum = { 'x-queue-type': 'quorum' };
  await channel.assertQueue(names.dead, { durable: true, arguments: quorum });
  await channel.assertQueue(names.unreadable, {
    durable: true,
    arguments: { ...quorum, 'x-max-length': 10_000 },
  });
  for (const priority of PRIORITIES) {
    await channel.assertQueue(names.waiting[priority], {
      durable: true,
      arguments: {
        ...quorum,
        'x-delivery-limit': DELIVERY_LIMIT,
        'x-dead-letter-exchange': '',
        'x-dead-letter-routing-key': names.dead,
        // A dead letter leaves its queue only when the other one has it.
        'x-dead-letter-strategy': 'at-least-once',
        'x-overflow': 'reject-publish',
      },
    });
  }
}
