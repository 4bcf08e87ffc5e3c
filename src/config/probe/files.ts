import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { readModelFolder } from '../../ai/folder.ts';
import { modelFolder } from '../../cli/model-path.ts';
import { DeepHealthError } from '../../errors/error.ts';
import { readPem } from '../../server/site.ts';
import type { Config } from '../schema.ts';
import type { Probe } from './probe.ts';

const DAY_MS = 86_400_000;

interface PemFiles {
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly ca?: string | undefined;
  readonly passphrase?: string | undefined;
}

/** Every certificate that the configuration names: readable, fitting its key, valid today. */
export function certificateProbes({ server, pacs, ris, observe: { audit } }: Config): Probe[] {
  const { tls } = server;
  const places: readonly (readonly [string, PemFiles | undefined])[] = [
    ['server.tls', tls && { cert: tls.cert, key: tls.key, ca: tls.clientCa }],
    ...pacs.map((entry, index) => [`pacs.${index}.tls`, entry.tls] as const),
    ...ris.map((entry, index) => [`ris.${index}.tls`, entry.tls] as const),
    ['observe.audit.tls', audit.type === 'syslog' ? audit.tls : undefined],
  ];
  return places.flatMap(([what, files]) => {
    const named = [files?.cert, files?.key, files?.ca].some((path) => path !== undefined);
    return files === undefined || !named ? [] : [{ what, run: async () => checkPem(files) }];
  });
}

function checkPem({ cert, key, ca, passphrase }: PemFiles): string {
  const pem = {
    ...(cert === undefined ? {} : { cert: readPem(cert) }),
    ...(key === undefined ? {} : { key: readPem(key) }),
    ...(ca === undefined ? {} : { ca: readPem(ca) }),
  };
  try {
    createSecureContext({ ...pem, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (cause) {
    throw new DeepHealthError('service.certificate', undefined, { cause });
  }
  const ends = [cert, ca].flatMap((path) => (path === undefined ? [] : [validUntil(path)]));
  const days = Math.floor((Math.min(...ends) - Date.now()) / DAY_MS);
  return `readable, valid for ${days} more day${days === 1 ? '' : 's'}${days < 30 ? ' ONLY' : ''}`;
}

/** End of validity of the first certificate of a file. */
function validUntil(path: string): number {
  const certificate = new X509Certificate(readPem(path));
  const { validFromDate, validToDate } = certificate;
  if (Date.now() < validFromDate.getTime() || Date.now() > validToDate.getTime()) {
    const day = (date: Date) => date.toISOString().slice(0, 10);
    throw new DeepHealthError(
      'service.certificate-expired',
      `${path} is valid from ${day(validFromDate)} to ${day(validToDate)}.`,
    );
  }
  return validToDate.getTime();
}

/** Files with tokens. (Those of `${file:…}` were read when the configuration was.) */
export function tokenProbes({ pacs }: Config): Probe[] {
  return pacs.flatMap(({ auth }, index) => {
    if (auth.type !== 'bearer') return [];
    const { tokenFile } = auth;
    return [
      {
        what: `pacs.${index}.auth.tokenFile`,
        async run() {
          const token = await readFile(tokenFile, 'utf8').catch((cause: unknown) => {
            throw new DeepHealthError('web.token-refused', 'The token file cannot be read.', { cause });
          });
          if (token.trim() === '') throw new DeepHealthError('web.token-refused', 'The token file is empty.');
          return 'readable';
        },
      },
    ];
  });
}

/** The models: every file there with the size and SHA-256 that the manifest says. */
export function modelProbes({ model }: Config): Probe[] {
  const places = [
    ['model.path', model.path],
    ['model.shadow', model.shadow],
  ] as const;
  return places.flatMap(([what, path]) =>
    path === undefined
      ? []
      : [
          {
            what,
            async run() {
              const { identity } = await readModelFolder(modelFolder(path));
              return `${identity.name} ${identity.version}, all files as the manifest says`;
            },
          },
        ],
  );
}
