import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import type { Response } from 'express';
import type { Config } from '../config/schema.ts';
import { type Audit, type AuditOptions, openAudit } from '../observe/audit/audit.ts';
import { clientOf } from './client-address.ts';
import type { Context } from './context.ts';
import { tlsOf } from './site.ts';

/** An audit trail, and who counts its messages from the moment that somebody does. */
export interface OpenAudit {
  readonly audit: Audit;
  readonly counts: { take: AuditOptions['onCount'] };
}

/** Opens the audit trail of a configuration. Throws `audit.file`, `service.certificate`. */
export async function openAuditTrail(
  { observe: { audit }, report: { station } }: Config,
  options: Pick<AuditOptions, 'folder' | 'worker' | 'log'>,
): Promise<OpenAudit> {
  const counts: OpenAudit['counts'] = { take: () => {} };
  const opened = await openAudit(audit, {
    ...options,
    station,
    tls: audit.type === 'syslog' ? tlsOf(audit.tls) : undefined,
    onCount: (outcome, messages) => counts.take(outcome, messages),
  });
  return { audit: opened, counts };
}

/** The paths at which two configurations differ; their values are nobody's business. */
export function changedKeys(before: Config, after: Config): string[] {
  const keys = (one: unknown, other: unknown, path: string): string[] => {
    if (isDeepStrictEqual(one, other)) return [];
    const open = (value: unknown): value is Record<string, unknown> =>
      typeof value === 'object' && value !== null && !Array.isArray(value);
    if (!open(one) || !open(other)) return [path];
    return [...new Set([...Object.keys(one), ...Object.keys(other)])].flatMap((key) =>
      keys(one[key], other[key], path === '' ? key : `${path}.${key}`),
    );
  };
  return keys(before, after, '');
}

/** Refused handshakes that are told within a minute; a scanner makes thousands. */
const MOST_REFUSALS = 30;
const MINUTE_MS = 60_000;

/** Tells the audit trail of clients that TLS turned away. */
export function refusedNodes({ audit }: Pick<Context, 'audit'>): (error: Error, socket: Socket) => void {
  let since = 0;
  let told = 0;
  return (_error, socket) => {
    if (performance.now() - since > MINUTE_MS) {
      since = performance.now();
      told = 0;
    }
    told += 1;
    if (told > MOST_REFUSALS) return;
    const address = clientOf(socket);
    audit.record((events) => events.nodeRefused({ name: 'unknown', address }));
  };
}

/** Who sent the request, as far as the configuration asks for a sign-in. */
export function userOf(response: Response): string {
  const user: unknown = response.locals.user;
  return typeof user === 'string' ? user : 'anonymous';
}

/** The user name that a refused request gave (never its password), or the kind of its credentials. */
export function userNamed({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const [, scheme = '', credentials = ''] = /^(\w+) +(\S+)/.exec(headers.authorization ?? '') ?? [];
  if (scheme.toLowerCase() !== 'basic') return 'unknown';
  const text = Buffer.from(credentials, 'base64').toString('utf8');
  return text.split(':')[0]?.slice(0, 64) || 'unknown';
}
