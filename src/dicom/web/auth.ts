import { readFile } from 'node:fs/promises';
import type { Dispatcher } from 'undici';
import { Agent, request } from 'undici';
import { DeepHealthError } from '../../errors/error.ts';
import { type TlsOptions, tlsConnectOptions } from '../../net/tls.ts';
import type { DicomWebAuth } from './config.ts';

/** Gives the Authorization header of each request. */
export interface Authorization {
  /** The header's value, or undefined for none. Throws `web.token-refused`. */
  header(): Promise<string | undefined>;
  /** After a 401 to that header: whether another one is worth an attempt. */
  renew(refused: string | undefined): Promise<boolean>;
  close(): Promise<void>;
}

const TOKEN_ANSWER_BYTES = 64 * 1024;
/** A token is renewed this much before its end, for clocks that differ and requests that take time. */
const EARLY_MS = 30_000;

/** Makes the authorization of one server (standards 6.2). Secrets stay in here. */
export function createAuthorization(auth: DicomWebAuth, tls: TlsOptions | undefined): Authorization {
  switch (auth.kind) {
    case 'none':
      return fixed(undefined);
    case 'basic':
      return fixed(`Basic ${Buffer.from(`${auth.username}:${auth.password}`, 'utf8').toString('base64')}`);
    case 'bearer':
      return bearerFile(auth.tokenFile);
    case 'oauth2':
      return clientCredentials(auth, tls);
  }
}

function fixed(header: string | undefined): Authorization {
  return { header: async () => header, renew: async () => false, close: async () => {} };
}

function bearerFile(path: string): Authorization {
  let current: string | undefined;

  async function read(): Promise<string> {
    const content = await readFile(path, 'utf8').catch((cause: unknown) => {
      throw new DeepHealthError('web.token-refused', 'The token file cannot be read.', { cause });
    });
    return bearer(content.trim());
  }

  return {
    async header() {
      current ??= await read();
      return current;
    },
    async renew(refused) {
      current = await read();
      return current !== refused;
    },
    close: async () => {},
  };
}

function bearer(token: string): string {
  // RFC 6750 2.1; also keeps line ends out of the header.
  if (!/^[\w\-.~+/]+=*$/.test(token)) {
    throw new DeepHealthError('web.token-refused', 'The token is empty or holds characters no token has.');
  }
  return `Bearer ${token}`;
}

type OAuth2 = Extract<DicomWebAuth, { kind: 'oauth2' }>;

function clientCredentials(auth: OAuth2, tls: TlsOptions | undefined): Authorization {
  // The client certificate is for the PACS, not for the token server; trust is shared.
  const { cert: _cert, key: _key, passphrase: _passphrase, serverName: _serverName, ...trust } = tls ?? {};
  const agent = new Agent({
    connect: { ...tlsConnectOptions(trust), timeout: 10_000 },
    headersTimeout: 30_000,
    bodyTimeout: 30_000,
  });
  let current: { header: string; until: number } | undefined;
  // Requests that find no token at the same time wait for one fetch.
  let fetching: Promise<{ header: string; until: number }> | undefined;

  async function token(): Promise<{ header: string; until: number }> {
    fetching ??= fetchToken(auth, agent).finally(() => {
      fetching = undefined;
    });
    current = await fetching;
    return current;
  }

  return {
    async header() {
      if (current !== undefined && Date.now() < current.until) return current.header;
      return (await token()).header;
    },
    async renew(refused) {
      // Another request may have renewed it meanwhile.
      if (current !== undefined && current.header !== refused) return true;
      current = undefined;
      await token();
      return true;
    },
    close: () => agent.close(),
  };
}

async function fetchToken(auth: OAuth2, dispatcher: Dispatcher): Promise<{ header: string; until: number }> {
  const form = new URLSearchParams({ grant_type: 'client_credentials' });
  if (auth.scope !== undefined) form.set('scope', auth.scope);
  if (auth.audience !== undefined) form.set('audience', auth.audience);
  const headers: Record<string, string> = {
    'content-type': 'application/x-www-form-urlencoded',
    accept: 'application/json',
  };
  if (auth.credentials === 'body') {
    form.set('client_id', auth.clientId);
    form.set('client_secret', auth.clientSecret);
  } else {
    const pair = `${encodeURIComponent(auth.clientId)}:${encodeURIComponent(auth.clientSecret)}`;
    headers.authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
  }
  try {
    const answer = await request(auth.tokenUrl, {
      method: 'POST',
      headers,
      body: form.toString(),
      dispatcher,
      signal: AbortSignal.timeout(60_000),
    });
    let text = '';
    for await (const chunk of answer.body.setEncoding('utf8')) {
      text += String(chunk);
      if (text.length > TOKEN_ANSWER_BYTES) throw new DeepHealthError('web.token-refused');
    }
    if (answer.statusCode !== 200) {
      throw new DeepHealthError(
        'web.token-refused',
        `The token endpoint answered with status ${answer.statusCode}.`,
      );
    }
    const granted = tokenAnswer(text);
    return { header: bearer(granted.token), until: Date.now() + granted.lifeMs - EARLY_MS };
  } catch (error) {
    if (error instanceof DeepHealthError) throw error;
    throw new DeepHealthError('web.token-refused', 'The token endpoint gave no answer.', { cause: error });
  }
}

/** RFC 6749 5.1. Without `expires_in` a token is taken for good until the server says 401. */
function tokenAnswer(text: string): { token: string; lifeMs: number } {
  let parsed: { access_token?: unknown; token_type?: unknown; expires_in?: unknown } | null;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = null;
  }
  if (typeof parsed?.access_token !== 'string' || !/^bearer$/i.test(String(parsed.token_type ?? 'bearer'))) {
    throw new DeepHealthError('web.token-refused', 'The token endpoint gave no bearer token.');
  }
  const seconds = Number(parsed.expires_in);
  return { token: parsed.access_token, lifeMs: seconds > 0 ? seconds * 1000 : 365 * 86_400_000 };
}
