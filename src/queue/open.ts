import { embeddedQueue } from './embedded.ts';
import { type RabbitmqQueueOptions, rabbitmqQueue } from './rabbitmq.ts';
import type { Queue } from './types.ts';

export interface QueueOptions extends Omit<RabbitmqQueueOptions, 'url'> {
  /** How often idle readers of the embedded queue look into the ledger; default 1 s. */
  readonly pollMs?: number;
}

/** The queue that the config names: `embedded`, or the URL of a RabbitMQ broker. */
export async function openQueue(where: string, options: QueueOptions): Promise<Queue> {
  return where === 'embedded' ? embeddedQueue(options) : rabbitmqQueue({ ...options, url: where });
}
