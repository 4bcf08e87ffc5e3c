import { type ChannelModel, type ConfirmChannel, connect, type RecoveringChannelModel } from 'amqplib';
import { DeepHealthError } from '../errors/error.ts';
import { type Ledger, PRIORITIES, type ReadingJob } from '../ledger/types.ts';
import { jobMessage, parseJob } from './job-message.ts';
import { type RabbitmqConsumer, rabbitmqConsumer } from './rabbitmq-consumer.ts';
import { type Publisher, publisher } from './rabbitmq-publisher.ts';
import { declareQueues, queueNames } from './rabbitmq-topology.ts';
import type { ConsumeOptions, Consumer, Queue, StudyHandler } from './types.ts';

export interface RabbitmqQueueOptions {
  /** `amqp://` or `amqps://user:password@host:port/vhost`. */
  readonly url: string;
  readonly ledger: Ledger;
  /** Name of this worker, unique among the processes on the ledger. */
  readonly worker: string;
  /** Beginning of the queues' names; default `deep-health`. */
  readonly prefix?: string;
  /** Lease of a study in work, kept up while it lasts; default 60 s. */
  readonly leaseMs?: number;
  /** How long the broker may take to confirm a message; default 10 s. */
  readonly confirmMs?: number;
  /** How long the broker may take for any other answer; default 30 s. */
  readonly answerMs?: number;
  /** A job that the broker confirmed this long ago and of which no queue knows was lost; default 60 s. */
  readonly lostAfterMs?: number;
  readonly now?: () => number;
  /** Told of every failed connection and whatever else goes wrong between the calls. */
  readonly onError?: (error: unknown) => void;
}

/** Jobs on their way to the broker at the same time. */
const BATCH = 500;

/** Dead letters looked at in one sweep. */
const DEAD_LETTERS = 100;

/** What exists as long as one connection does. */
interface Session {
  readonly channel: ConfirmChannel;
  readonly publisher: Publisher;
}

/**
 * The queue on RabbitMQ. Returns at once; the connection is made, and made again whenever it is lost, behind
 * it (`ready` tells). Jobs are published with confirms and noted in the ledger only then; whatever is not
 * noted, `sweep` publishes. Throws `queue.url-invalid`.
 */
export async function rabbitmqQueue(options: RabbitmqQueueOptions): Promise<Queue> {
  const { ledger, worker, leaseMs = 60_000, confirmMs = 10_000, lostAfterMs = 60_000 } = options;
  const { answerMs = 30_000, now = Date.now, onError = () => undefined } = options;
  const names = queueNames(options.prefix ?? 'deep-health');
  const consumers = new Set<{ readonly consumer: Consumer; readonly source: RabbitmqConsumer }>();
  let session: Session | undefined;
  let blocked = false;
  let closing = false;
  let sweeping: Promise<number> | undefined;
  let lostLookAt = now() + lostAfterMs;
  let live: ChannelModel | undefined;

  /** What a socket or the library says, under a name of ours. */
  const failed = (error: unknown) => onError(unreachable(error));

  const connection = await open(options.url, prepare);
  connection.on('disconnect', (error) => {
    session = undefined;
    live = undefined;
    onError(unreachable(error));
  });
  connection.on('connect-failed', (error) => {
    session = undefined;
    live = undefined;
    onError(unreachable(error));
  });
  connection.on('error', failed);
  connection.on('blocked', () => {
    blocked = true;
  });
  connection.on('unblocked', () => {
    blocked = false;
  });

  function usable(): Session {
    if (closing) throw new DeepHealthError('queue.closed');
    // A broker short of disk or memory takes nothing; what is written would only pile up in the socket.
    if (session === undefined || blocked) throw new DeepHealthError('queue.unreachable');
    return session;
  }

  /** What every new connection begins with. */
  async function prepare(model: ChannelModel): Promise<void> {
    // The library listens only after this function: a connection lost meanwhile would be an error event that
    // nobody hears, which ends the process.
    model.on('error', failed);
    const channel = await within(answerMs, model.createConfirmChannel());
    channel.on('error', failed);
    // Without its publishing channel a connection is worth nothing: begin again.
    channel.once('close', () => {
      if (session?.channel === channel) session = undefined;
      if (!closing) void model.close().catch(() => undefined);
    });
    await within(answerMs, declareQueues(channel, names));
    session = { channel, publisher: publisher(channel, confirmMs) };
    live = model;
    blocked = false;
    for (const { source } of consumers) await within(answerMs, source.attach(model));
  }

  /** A broker that takes a question and is silent: the connection is worth nothing, begin again. */
  async function answered<Result>(question: Promise<Result>): Promise<Result> {
    const asked = live;
    try {
      return await within(answerMs, question);
    } catch (error) {
      if (error instanceof Silence) {
        session = undefined;
        void asked?.close().catch(() => undefined);
      }
      throw unreachable(error);
    }
  }

  async function publish(jobs: readonly ReadingJob[]): Promise<void> {
    for (let at = 0; at < jobs.length; at += BATCH) {
      const { publisher: to } = usable();
      const chunk = jobs.slice(at, at + BATCH);
      const results = await Promise.allSettled(
        chunk.map((job) => to.publish(names.waiting[job.priority], jobMessage(job))),
      );
      await ledger.outbox.published(chunk.filter((_, index) => results[index]?.status === 'fulfilled'));
      const failed = results.find((result) => result.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    }
  }

  async function sweepOnce(): Promise<number> {
    const { channel, publisher: to } = usable();
    await sortDeadLetters(channel, to);
    if (now() >= lostLookAt) {
      await findLost(channel);
      lostLookAt = now() + lostAfterMs;
    }
    let published = 0;
    for (;;) {
      const jobs = await ledger.outbox.unpublished(BATCH);
      await publish(jobs);
      published += jobs.length;
      if (jobs.length < BATCH) return published;
    }
  }

  /**
   * A job that was handed out too often without an answer is published anew from the ledger, which counts for
   * itself how often readers died over a study and parks it then; the broker also counts lost connections.
   */
  async function sortDeadLetters(channel: ConfirmChannel, to: Publisher): Promise<void> {
    for (let looked = 0; looked < DEAD_LETTERS; looked += 1) {
      const message = await channel.get(names.dead);
      if (message === false) return;
      const from = message.properties.headers?.['x-first-death-queue'];
      const parsed = parseJob(message.content, from === names.waiting.stat ? 'stat' : 'routine');
      if (parsed.kind === 'job') await ledger.outbox.givenUp([parsed.job]);
      else await to.publish(names.unreadable, message.content);
      channel.ack(message);
    }
  }

  /** The ledger has waiting studies that the broker confirmed, and its queue is empty: it lost them. */
  async function findLost(channel: ConfirmChannel): Promise<void> {
    for (const priority of PRIORITIES) {
      const { messageCount } = await channel.checkQueue(names.waiting[priority]);
      if (messageCount === 0) await ledger.outbox.forgetPublished(priority, now() - lostAfterMs);
    }
  }

  async function consume(
    handler: StudyHandler,
    { concurrency, onError: onHandlerError = onError }: ConsumeOptions,
  ): Promise<Consumer> {
    if (closing) throw new DeepHealthError('queue.closed');
    const source = rabbitmqConsumer({
      ...{ ledger, names, worker, leaseMs, concurrency, handler },
      onError: onHandlerError,
    });
    const consumer: Consumer = {
      async stop() {
        consumers.delete(entry);
        await source.stop();
      },
    };
    const entry = { consumer, source };
    consumers.add(entry);
    // A connection that breaks right now is made again, and the consumer attached to the new one.
    if (live !== undefined) await source.attach(live).catch(onHandlerError);
    return consumer;
  }

  return {
    kind: 'rabbitmq',
    publish,
    consume,
    sweep() {
      sweeping ??= answered(sweepOnce()).finally(() => {
        sweeping = undefined;
      });
      return sweeping;
    },
    async depth() {
      const { channel } = usable();
      const [stat, routine] = await answered(
        Promise.all(PRIORITIES.map((priority) => channel.checkQueue(names.waiting[priority]))),
      );
      return { stat: stat?.messageCount ?? 0, routine: routine?.messageCount ?? 0 };
    },
    ready: () => session !== undefined && !blocked && !closing,
    async close() {
      closing = true;
      await Promise.all([...consumers].map(({ consumer }) => consumer.stop()));
      await sweeping?.catch(() => undefined);
      await connection.close();
    },
  };
}

/** A connection that is made again for ever, with growing pauses; `setup` prepares each one. */
async function open(
  url: string,
  setup: (model: ChannelModel) => Promise<void>,
): Promise<RecoveringChannelModel> {
  if (!/^amqps?:\/\//.test(url) || !URL.canParse(url)) throw new DeepHealthError('queue.url-invalid');
  const address = new URL(url);
  // Half-dead connections are noticed after two beats.
  if (!address.searchParams.has('heartbeat')) address.searchParams.set('heartbeat', '10');
  return connect(address.href, {
    // Of the connection attempt, in milliseconds.
    timeout: 10_000,
    noDelay: true,
    keepAlive: true,
    recovery: { initialDelay: 200, maxDelay: 10_000, factor: 2, jitter: 0.3, waitForConnect: false, setup },
  });
}

class Silence extends Error {}

async function within<Result>(ms: number, work: Promise<Result>): Promise<Result> {
  const silence = Promise.withResolvers<never>();
  const timer = setTimeout(() => silence.reject(new Silence('the broker does not answer')), ms);
  try {
    return await Promise.race([work, silence.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function unreachable(cause: unknown): DeepHealthError {
  if (cause instanceof DeepHealthError) return cause;
  return new DeepHealthError('queue.unreachable', undefined, { cause });
}
