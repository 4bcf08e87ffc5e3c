import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Config } from '../../config/schema.ts';
import { parseSize } from '../../config/units.ts';
import { DeepHealthError } from '../../errors/error.ts';
import type { TlsOptions } from '../../net/tls.ts';
import { type Log, loggedFailure } from '../log.ts';
import { type AuditEvents, auditEvents } from './events.ts';
import { type AuditMessage, auditXml } from './message.ts';
import { type Sender, startSender } from './sender.ts';
import { appendDurably, openSpool, type Spool } from './spool.ts';
import { syslogMessage } from './syslog.ts';

/** The audit trail: who did what with whose films (PS3.15 A.5). Nothing waits for it. */
export interface Audit {
  /** Whether messages are kept at all. */
  readonly on: boolean;
  /** Keeps a message; returns at once, whatever the disk and the collector do. */
  record(make: (events: AuditEvents) => AuditMessage): void;
  /** What was recorded is on disk, and as far as the collector answers at once, handed over. */
  stop(): Promise<void>;
}

export type AuditConfig = Config['observe']['audit'];

export interface AuditOptions {
  /** The data folder; the spool lies in it. */
  readonly folder: string;
  /** Name of this process among those of the data folder. */
  readonly worker: string;
  readonly station: string;
  readonly log: Log;
  /** TLS of the collector, files read. */
  readonly tls: TlsOptions | undefined;
  onCount(outcome: 'sent' | 'lost', messages: number): void;
}

/** Messages in memory while the disk is slow; more are counted and told later. */
const MOST_PENDING = 10_000;

const OFF: Audit = { on: false, record: () => {}, stop: async () => {} };

interface Keeper {
  /** Bytes that may still be kept. */
  room(): number;
  keep(messages: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** Opens the audit trail that the configuration asks for. Throws `audit.file`. */
export async function openAudit(config: AuditConfig, options: AuditOptions): Promise<Audit> {
  if (config.type === 'none') return OFF;
  const keeper =
    config.type === 'file' ? await toFile(resolve(config.path), options) : await toSyslog(config, options);
  const host = hostname();
  const origin = { host, application: 'deep-health', processId: process.pid };
  const events = auditEvents({ name: `deep-health-${options.station}`, host, pid: process.pid });
  const source = { id: `${options.station}@${host}`, site: config.site };
  const pending: string[] = [];
  let lost = 0;
  let writing: Promise<void> | undefined;
  let failing = false;

  const lineOf = (message: AuditMessage) =>
    syslogMessage(
      auditXml(message, source),
      message.at,
      message.outcome === 0 ? 'notice' : 'warning',
      origin,
    );

  function lose(messages: number): void {
    if (lost === 0) {
      options.log.error(
        { code: 'audit.lost' },
        'The audit trail takes no more: messages are dropped and counted',
      );
    }
    lost += messages;
    options.onCount('lost', messages);
  }

  /** One writing to disk for all that came meanwhile. */
  async function write(): Promise<void> {
    while (pending.length > 0) {
      const told = lost;
      const batch = pending.splice(0, 500);
      const lines = told > 0 ? [...batch, lineOf(events.lost(told))] : batch;
      const bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line, 'utf8') + 1, 0);
      if (bytes > keeper.room()) {
        lose(batch.length);
        continue;
      }
      try {
        await keeper.keep(lines);
        lost -= told;
        failing = false;
      } catch (error) {
        if (!failing) options.log.error(loggedFailure(error), 'The audit trail cannot be written');
        failing = true;
        lose(batch.length);
      }
    }
    writing = undefined;
  }

  return {
    on: true,
    record(make) {
      if (pending.length >= MOST_PENDING) {
        lose(1);
        return;
      }
      pending.push(lineOf(make(events)));
      writing ??= Promise.resolve().then(write);
    },
    async stop() {
      await writing;
      await keeper.stop();
    },
  };
}

async function toFile(path: string, { onCount }: AuditOptions): Promise<Keeper> {
  await folderFor(dirname(path));
  return {
    room: () => Number.POSITIVE_INFINITY,
    // Opened each time: whoever rotates the file may rename it.
    async keep(messages) {
      await appendDurably(path, Buffer.from(`${messages.join('\n')}\n`, 'utf8'));
      onCount('sent', messages.length);
    },
    stop: async () => {},
  };
}

async function toSyslog(
  config: Extract<AuditConfig, { type: 'syslog' }>,
  { folder, worker, log, tls = {}, onCount }: AuditOptions,
): Promise<Keeper> {
  const home = join(folder, 'audit', worker);
  await folderFor(home);
  const spool: Spool = await openSpool(home);
  const most = parseSize(config.spool) ?? 0;
  const sender: Sender = startSender(spool, {
    ...{ host: config.host, port: config.port, tls },
    onSent: (messages) => onCount('sent', messages),
    onChange(state, failure) {
      if (state === 'back') log.info({ waiting: spool.bytes }, 'The audit repository takes messages again');
      else
        log.warn(
          { ...(failure && loggedFailure(failure)) },
          'The audit repository is away; messages wait on disk',
        );
    },
  });
  sender.wake();
  return {
    room: () => most - spool.bytes,
    async keep(messages) {
      await spool.append(messages);
      sender.wake();
    },
    stop: () => sender.stop(),
  };
}

async function folderFor(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw new DeepHealthError('audit.file', undefined, { cause });
  });
}
