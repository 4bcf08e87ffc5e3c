import type { ConfirmChannel } from 'amqplib';
import { DeepHealthError } from '../errors/error.ts';

export interface Publisher {
  /** Resolves when the broker has the message safe in that queue; throws `queue.unconfirmed`. */
  publish(queue: string, content: Buffer): Promise<void>;
}

/**
 * Publishing with confirms. A message that no queue took is confirmed all the same, after it came back: so
 * each is marked `mandatory`, and one that came back counts as not confirmed.
 */
export function publisher(channel: ConfirmChannel, timeoutMs: number): Publisher {
  const cameBack = new Set<string>();
  const onTheirWay = new Set<(cause?: unknown) => void>();
  let published = 0;
  channel.once('close', () => {
    for (const unconfirmed of onTheirWay) unconfirmed();
  });
  channel.on('return', (message) => cameBack.add(String(message.properties.messageId)));

  return {
    async publish(queue, content) {
      published += 1;
      const messageId = String(published);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const unconfirmed = (cause?: unknown) =>
        reject(new DeepHealthError('queue.unconfirmed', undefined, { cause }));
      const timer = setTimeout(unconfirmed, timeoutMs);
      onTheirWay.add(unconfirmed);
      try {
        channel.sendToQueue(queue, content, { persistent: true, mandatory: true, messageId }, (error) => {
          if (error !== null) unconfirmed(error);
          else if (cameBack.delete(messageId)) unconfirmed();
          else resolve();
        });
        await promise;
      } catch (error) {
        // A channel that is closed throws at once.
        throw error instanceof DeepHealthError
          ? error
          : new DeepHealthError('queue.unconfirmed', undefined, { cause: error });
      } finally {
        clearTimeout(timer);
        onTheirWay.delete(unconfirmed);
      }
    },
  };
}
