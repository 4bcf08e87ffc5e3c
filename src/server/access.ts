import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Config } from '../config/schema.ts';

/** Who may use the server. */
export interface Access {
  /** Name of the user or token that a request carries; null when everybody may (loopback); undefined: refused. */
  signIn(request: Pick<IncomingMessage, 'headers'>): string | null | undefined;
}

interface Secret {
  readonly name: string;
  readonly digest: Buffer;
}

/**
 * HTTP Basic for the configured users and Bearer for the configured tokens (RFC 7617, RFC 6750). Digests are
 * compared in constant time, and all of them, so that an answer's time tells nothing of names or secrets.
 */
export function createAccess({ users, tokens }: Pick<Config['server'], 'users' | 'tokens'>): Access {
  const passwords = users.map(({ name, password }) => ({ name, digest: digestOf(`${name}:${password}`) }));
  const bearers = tokens.map(({ name, token }) => ({ name, digest: digestOf(token) }));
  const isOpen = users.length === 0 && tokens.length === 0;
  return {
    signIn({ headers }) {
      if (isOpen) return null;
      const match = /^(basic|bearer) +([A-Za-z0-9+/=._~-]{1,4096})$/i.exec(headers.authorization ?? '');
      const credentials = match?.[2] ?? '';
      if (match?.[1]?.toLowerCase() === 'basic') {
        return matching(passwords, Buffer.from(credentials, 'base64').toString('utf8'));
      }
      return matching(bearers, match === null ? '' : credentials);
    },
  };
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}

function matching(secrets: readonly Secret[], given: string): string | undefined {
  const digest = digestOf(given);
  let name: string | undefined;
  for (const secret of secrets) if (timingSafeEqual(secret.digest, digest)) name = secret.name;
  return given === '' ? undefined : name;
}

/** The header of a 401 (RFC 9110 11.6.1): what this server takes. */
export const CHALLENGE = 'Basic realm="Deep Health", charset="UTF-8", Bearer realm="Deep Health"';
