import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './process.ts';

/** A certificate with its key: PEM text and the files that hold it. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  readonly certPath: string;
  readonly keyPath: string;
}

export interface TestAuthority extends Certificate {
  /**
   * A certificate signed by this authority for 127.0.0.1 and localhost, or for another host. Good for two days;
   * for -1 it ended yesterday.
   */
  issue(name: string, host?: string, days?: number): Promise<Certificate>;
  remove(): Promise<void>;
}

/** Makes a certificate authority for one test, with openssl, in a folder of its own. */
export async function makeAuthority(): Promise<TestAuthority> {
  const folder = await mkdtemp(join(tmpdir(), 'certificates-'));
  const path = (name: string): string => join(folder, name);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

  async function load(name: string): Promise<Certificate> {
    const certPath = path(`${name}.pem`);
    const keyPath = path(`${name}.key`);
    return {
      cert: await readFile(certPath, 'utf8'),
      key: await readFile(keyPath, 'utf8'),
      certPath,
      keyPath,
    };
  }

  await run('openssl', [
    'req',
    '-x509',
    ...newKey,
    '-days',
    '2',
    '-subj',
    '/CN=Test authority',
    '-keyout',
    path('ca.key'),
    '-out',
    path('ca.pem'),
  ]);

  return {
    ...(await load('ca')),
    async issue(name, host, days = 2) {
      const names = host === undefined ? 'IP:127.0.0.1,DNS:localhost' : `DNS:${host}`;
      await run('openssl', [
        'req',
        ...newKey,
        '-subj',
        `/CN=${name}`,
        '-keyout',
        path(`${name}.key`),
        '-out',
        path(`${name}.csr`),
      ]);
      await writeFile(path(`${name}.ext`), `subjectAltName=${names}\n`);
      await run('openssl', [
        'x509',
        '-req',
        '-in',
        path(`${name}.csr`),
        '-CA',
        path('ca.pem'),
        '-CAkey',
        path('ca.key'),
        '-CAcreateserial',
        '-days',
        String(days),
        '-extfile',
        path(`${name}.ext`),
        '-out',
        path(`${name}.pem`),
      ]);
      return load(name);
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
