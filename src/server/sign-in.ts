import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Access } from './access.ts';
import { clientOfRequest } from './client-address.ts';

/** What a request's credentials came to. */
export type SignIn =
  /** Null where everybody may. */
  | { readonly kind: 'in'; readonly user: string | null }
  | { readonly kind: 'refused' }
  /** Too many wrong ones: not looked at. `first` when this began just now. */
  | { readonly kind: 'held-back'; readonly seconds: number; readonly first: boolean };

export interface SignInLimits {
  /** Different wrong secrets that are free. */
  readonly free: number;
  /** The first wait, doubled with each wrong one that follows, up to the longest. Milliseconds. */
  readonly firstMs: number;
  readonly longestMs: number;
  /** After so long without a wrong one it is forgotten. Milliseconds. */
  readonly forgetMs: number;
}

const LIMITS: SignInLimits = { free: 10, firstMs: 1_000, longestMs: 300_000, forgetMs: 3_600_000 };

/** Guessers that are remembered; the one that was quiet longest makes room. */
const MOST_GUESSERS = 10_000;

interface Guesser {
  /** Digests of the wrong secrets that were tried, as many as are free. */
  readonly wrong: Set<string>;
  waitMs: number;
  until: number;
  last: number;
  told: boolean;
}

/**
 * Sign-in that does not let anybody guess on. Counted are different wrong secrets of one client for one name
 * (for bearer tokens: of one client): a machine that keeps sending one old password holds up nobody, least of
 * all the others behind its proxy. While a guesser has to wait, right secrets are refused like wrong ones.
 *
 * @param access as it is in force when it is asked
 */
export function createSignIn(
  access: () => Access,
  limits: SignInLimits = LIMITS,
  now: () => number = () => performance.now(),
): (request: IncomingMessage) => SignIn {
  const guessers = new Map<string, Guesser>();

  return (request) => {
    const { authorization } = request.headers;
    if (authorization === undefined) {
      const user = access().signIn(request);
      return user === undefined ? { kind: 'refused' } : { kind: 'in', user };
    }
    const who = `${clientOfRequest(request)} ${nameIn(authorization)}`;
    const at = now();
    let guesser = guessers.get(who);
    if (guesser !== undefined && at - guesser.last > limits.forgetMs) {
      guessers.delete(who);
      guesser = undefined;
    }
    if (guesser !== undefined && at < guesser.until) {
      const first = !guesser.told;
      guesser.told = true;
      return { kind: 'held-back', seconds: Math.ceil((guesser.until - at) / 1000), first };
    }
    const user = access().signIn(request);
    if (user !== undefined) return { kind: 'in', user };
    note(who, guesser, digestOf(authorization), at);
    return { kind: 'refused' };
  };

  function note(who: string, known: Guesser | undefined, digest: string, at: number): void {
    const guesser = known ?? { wrong: new Set(), waitMs: 0, until: 0, last: at, told: false };
    guesser.last = at;
    // Again at the end: the map is in the order of who was last heard of.
    guessers.delete(who);
    guessers.set(who, guesser);
    const quietest = guessers.keys().next().value;
    if (guessers.size > MOST_GUESSERS && quietest !== undefined) guessers.delete(quietest);
    if (guesser.wrong.has(digest)) return;
    if (guesser.wrong.size < limits.free) {
      guesser.wrong.add(digest);
      if (guesser.wrong.size < limits.free) return;
    }
    guesser.waitMs = Math.min(limits.longestMs, guesser.waitMs === 0 ? limits.firstMs : 2 * guesser.waitMs);
    guesser.until = at + guesser.waitMs;
  }
}

/** For whom a secret is tried: the digest of a Basic name, which a log or dump must not hold; else one for all. */
function nameIn(authorization: string): string {
  const encoded = /^basic +([A-Za-z0-9+/=._~-]{1,4096})$/i.exec(authorization)?.[1];
  if (encoded === undefined) return 'bearer';
  const [name = ''] = Buffer.from(encoded, 'base64').toString('utf8').split(':', 1);
  return digestOf(name);
}

function digestOf(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('base64');
}
