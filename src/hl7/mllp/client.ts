import { randomUUID } from 'node:crypto';
import type { ErrorCode } from '../../errors/error.ts';
import type { TlsOptions } from '../../net/tls.ts';
import { type Ack, type AckCode, commitAck, type Envelope, readAck, readEnvelope } from './ack.ts';
import { type Connection, connect } from './connection.ts';
import { frameMessage, MAX_FRAME_BYTES } from './frame.ts';

/** Milliseconds. */
export interface MllpTimeouts {
  readonly connect: number;
  /** For the first acknowledgement. */
  readonly ack: number;
  /** For the application acknowledgement after a commit one. */
  readonly application: number;
  /** An unused connection is closed after this. */
  readonly idle: number;
}

const MLLP_TIMEOUTS: MllpTimeouts = {
  connect: 10_000,
  ack: 30_000,
  application: 30_000,
  idle: 300_000,
};

/** One HL7 receiver. */
export interface MllpConfig {
  /** Our name for it, for messages. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Absent: no TLS. */
  readonly tls?: TlsOptions;
  readonly timeouts?: Partial<MllpTimeouts>;
  /** Wait between connection attempts: doubled at every failure, with jitter. Default 1 s to 5 min. */
  readonly reconnect?: { readonly minMs: number; readonly maxMs: number };
  readonly maxFrameBytes?: number;
  /** Hears what is odd but no failure; never holds message content. */
  readonly onNotice?: (notice: MllpNotice) => void;
}

export interface MllpNotice {
  readonly code:
    | 'unchecked-certificate'
    | 'wrong-id'
    | 'garbled'
    | 'oversize'
    | 'sent-again'
    | 'application-ack-missing';
  readonly message: string;
}

/**
 * What became of a message.
 * `accepted`: AA, or CA where no application acknowledgement was asked for or none came in time: the
 * receiver has it. The four refusals are as the receiver said. `unanswered`: it was sent, the receiver may
 * have it, the same bytes have to go again (`mllp.no-ack`, `mllp.wrong-id`, `mllp.garbled`,
 * `mllp.connection-lost`). `unsent`: it never left (`mllp.unreachable`, `mllp.tls`, `mllp.closed`,
 * `mllp.unsendable`).
 */
export type MllpOutcome =
  | { readonly kind: 'accepted'; readonly by: 'AA' | 'CA' }
  | {
      readonly kind: 'application-error' | 'application-reject' | 'commit-error' | 'commit-reject';
      readonly code: ErrorCode;
      /** ERR-3.1 (HL7 table 0357) and ERR-4, where the receiver gave them. */
      readonly errorCode?: string;
      readonly severity?: string;
    }
  | { readonly kind: 'unanswered'; readonly code: ErrorCode }
  | {
      readonly kind: 'unsent';
      readonly code: ErrorCode;
      /** When the next connection attempt is made. */
      readonly retryAfterMs?: number;
    };

export interface MllpClient {
  readonly name: string;
  /**
   * Sends one HL7 v2 message, as its bytes are, and waits for what the receiver says. Messages given at the
   * same time go one after the other in that order. Never rejects.
   */
  send(message: Uint8Array): Promise<MllpOutcome>;
  /** Lets the message in flight end, sends nothing more, closes the connection. */
  close(): Promise<void>;
}

/**
 * The initiator's side of MLLP over a persistent connection (standards 3.5), one message in flight, original
 * and enhanced acknowledgement mode by the message's own MSH-15 and MSH-16. Connects at the first message.
 */
export function createMllpClient(config: MllpConfig): MllpClient {
  const timeouts = { ...MLLP_TIMEOUTS, ...config.timeouts };
  const reconnect = config.reconnect ?? { minMs: 1000, maxMs: 300_000 };
  let current: Connection | undefined;
  let idle: NodeJS.Timeout | undefined;
  let failures = 0;
  let notBefore = 0;
  let closed = false;
  let turn: Promise<unknown> = Promise.resolve();

  function notice(code: MllpNotice['code'], message: string): void {
    config.onNotice?.({ code, message });
  }

  if (config.tls?.dangerouslyAcceptAnyCertificate === true) {
    notice(
      'unchecked-certificate',
      `The certificate of ${config.name} is not checked: anybody in between can read results.`,
    );
  }

  /** The kept connection, or a new one; a failed attempt puts the next one off. */
  async function connected(): Promise<{ connection: Connection; fresh: boolean } | MllpOutcome> {
    if (current !== undefined && !current.lost) return { connection: current, fresh: false };
    current = undefined;
    const wait = notBefore - performance.now();
    if (wait > 0) return { kind: 'unsent', code: 'mllp.unreachable', retryAfterMs: Math.ceil(wait) };
    const attempt = await connect({
      host: config.host,
      port: config.port,
      tls: config.tls,
      timeoutMs: timeouts.connect,
      maxFrameBytes: config.maxFrameBytes ?? MAX_FRAME_BYTES,
    });
    if (attempt.kind === 'failed') {
      const longest = Math.min(reconnect.maxMs, reconnect.minMs * 2 ** Math.min(failures, 30));
      // Half of it fixed, half by chance: services that lost the same receiver do not come back together.
      const retryAfterMs = Math.ceil(longest * (0.5 + Math.random() / 2));
      failures += 1;
      notBefore = performance.now() + retryAfterMs;
      return { kind: 'unsent', code: attempt.code, retryAfterMs };
    }
    failures = 0;
    notBefore = 0;
    current = attempt.connection;
    return { connection: current, fresh: true };
  }

  function drop(connection: Connection): void {
    connection.destroy();
    if (current === connection) current = undefined;
  }

  async function deliver(envelope: Envelope, frame: Buffer): Promise<MllpOutcome> {
    for (;;) {
      const ready = await connected();
      if ('kind' in ready) return ready;
      const { connection, fresh } = ready;
      const outcome = await exchange(connection, envelope, frame);
      if (outcome !== 'lost-at-once') return outcome;
      // The receiver closed a kept connection just as it was used again: the same bytes, once, on a new one.
      if (fresh) return { kind: 'unanswered', code: 'mllp.connection-lost' };
      notice('sent-again', `${config.name} had closed the connection; the message goes again on a new one.`);
    }
  }

  /** Sends and waits. `lost-at-once`: the connection broke before a single byte came back. */
  async function exchange(
    connection: Connection,
    envelope: Envelope,
    frame: Buffer,
  ): Promise<MllpOutcome | 'lost-at-once'> {
    connection.write(frame);
    let deadline = performance.now() + timeouts.ack;
    let committed = false;
    let oddity: ErrorCode | undefined;
    let heard = false;
    const told = new Set<string>();
    // Once a message: a peer that talks nonsense must not fill the log.
    function odd(code: 'oversize' | 'garbled' | 'wrong-id', message: string): void {
      if (!told.has(code)) notice(code, message);
      told.add(code);
      oddity = code === 'wrong-id' ? 'mllp.wrong-id' : (oddity ?? 'mllp.garbled');
    }
    for (;;) {
      const event = await connection.next(deadline - performance.now());
      if (event.kind === 'late' || event.kind === 'lost') {
        drop(connection);
        if (committed) {
          notice('application-ack-missing', `${config.name} committed a message and did not answer further.`);
          return { kind: 'accepted', by: 'CA' };
        }
        if (event.kind === 'lost' && event.tls) return { kind: 'unsent', code: 'mllp.tls' };
        if (event.kind === 'lost') return heard ? unanswered('mllp.connection-lost') : 'lost-at-once';
        return unanswered(oddity ?? 'mllp.no-ack');
      }
      heard = true;
      if (event.kind === 'oversize') {
        odd('oversize', `${config.name} sent a frame over the limit.`);
        continue;
      }
      const ack = readAck(event.payload);
      if (ack === undefined) {
        odd('garbled', `${config.name} sent something that is no acknowledgement.`);
        continue;
      }
      if (ack.acknowledgedId !== envelope.controlId) {
        odd('wrong-id', `${config.name} acknowledged another message than the one sent.`);
        continue;
      }
      if (ack.asksCommit && ack.code.startsWith('A')) connection.write(commitFrame(envelope, ack));
      if (ack.code === 'CA' && envelope.enhanced && envelope.asksApplication) {
        committed = true;
        deadline = performance.now() + timeouts.application;
        continue;
      }
      return outcomeOf(ack);
    }
  }

  function restUntilIdle(): void {
    clearTimeout(idle);
    idle = setTimeout(() => {
      if (current !== undefined) drop(current);
    }, timeouts.idle);
    idle.unref();
  }

  async function sendInTurn(message: Uint8Array): Promise<MllpOutcome> {
    if (closed) return { kind: 'unsent', code: 'mllp.closed' };
    let envelope: Envelope;
    let frame: Buffer;
    try {
      envelope = readEnvelope(message);
      frame = frameMessage(message);
    } catch {
      return { kind: 'unsent', code: 'mllp.unsendable' };
    }
    clearTimeout(idle);
    const outcome = await deliver(envelope, frame);
    restUntilIdle();
    return outcome;
  }

  return {
    name: config.name,
    send(message) {
      const outcome = turn.then(() => sendInTurn(message));
      turn = outcome;
      return outcome;
    },
    async close() {
      closed = true;
      await turn;
      clearTimeout(idle);
      current?.end();
      current = undefined;
    },
  };
}

function unanswered(code: ErrorCode): MllpOutcome {
  return { kind: 'unanswered', code };
}

function commitFrame(envelope: Envelope, ack: Ack): Buffer {
  const time = new Date().toISOString().replace(/\D/g, '').slice(0, 14);
  return frameMessage(
    commitAck(envelope, ack, randomUUID().replaceAll('-', '').slice(0, 20), `${time}+0000`),
  );
}

const REFUSALS = {
  AE: { kind: 'application-error', code: 'hl7.application-error' },
  AR: { kind: 'application-reject', code: 'hl7.application-reject' },
  CE: { kind: 'commit-error', code: 'hl7.commit-error' },
  CR: { kind: 'commit-reject', code: 'hl7.commit-reject' },
} as const satisfies Record<Exclude<AckCode, 'AA' | 'CA'>, MllpOutcome>;

function outcomeOf(ack: Ack): MllpOutcome {
  if (ack.code === 'AA' || ack.code === 'CA') return { kind: 'accepted', by: ack.code };
  return {
    ...REFUSALS[ack.code],
    ...(ack.errorCode === undefined ? {} : { errorCode: ack.errorCode }),
    ...(ack.severity === undefined ? {} : { severity: ack.severity }),
  };
}
