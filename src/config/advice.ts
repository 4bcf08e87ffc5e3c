import { isLoopback } from './contradictions.ts';
import type { Problem } from './interpolate.ts';
import { holdsPassword, isSecretKey } from './mask.ts';
import type { Config } from './schema.ts';

/**
 * What works and is still not a good idea; it keeps nothing from running.
 *
 * @param document the config as written, references resolved
 * @param referenced paths whose values came from the environment or a file
 */
export function adviceFor(
  config: Config,
  document: unknown,
  referenced: ReadonlySet<string>,
): readonly Problem[] {
  return [
    ...secretsInTheFile(document, '', referenced),
    ...inTheClear(config),
    ...uncheckedCertificates(config),
    ...brokerOverOneFile(config),
  ];
}

function secretsInTheFile(value: unknown, path: string, referenced: ReadonlySet<string>): Problem[] {
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, entry]) =>
      secretsInTheFile(entry, path === '' ? key : `${path}.${key}`, referenced),
    );
  }
  const key = path.slice(path.lastIndexOf('.') + 1);
  const secret = typeof value === 'string' && (isSecretKey(key) || holdsPassword(value));
  if (!secret || value === '' || referenced.has(path)) return [];
  return [
    {
      path,
      value: '********',
      message: 'This secret stands in the config file itself.',
      remedy: `Write \${file:PATH} or \${env:NAME} instead, and change the secret.`,
    },
  ];
}

function inTheClear({ server, pacs }: Config): Problem[] {
  const found: Problem[] = [];
  if (!isLoopback(server.host) && server.tls === undefined) {
    found.push({
      path: 'server.tls',
      message: 'Films, results and passwords go over the network unencrypted.',
      remedy: 'Set server.tls, or let a reverse proxy on this machine do it and listen on 127.0.0.1.',
    });
  }
  pacs.forEach(({ url, auth }, index) => {
    const { protocol, hostname } = new URL(url);
    if (protocol === 'https:' || isLoopback(hostname)) return;
    const what = auth.type === 'none' ? 'Films and results' : 'Films, results and our credentials';
    found.push({
      path: `pacs.${index}.url`,
      value: JSON.stringify(url),
      message: `${what} go over the network unencrypted.`,
      remedy: 'Use https where the PACS offers it.',
    });
  });
  return found;
}

function uncheckedCertificates({ pacs, ris, observe: { audit } }: Config): Problem[] {
  const places = [
    ...pacs.map(({ tls }, index) => [`pacs.${index}`, tls] as const),
    ...ris.map(({ tls }, index) => [`ris.${index}`, tls] as const),
    ['observe.audit', audit.type === 'syslog' ? audit.tls : undefined] as const,
  ];
  return places.flatMap(([path, tls]) =>
    tls?.dangerouslyAcceptAnyCertificate === true
      ? [
          {
            path: `${path}.tls.dangerouslyAcceptAnyCertificate`,
            value: 'true',
            message: 'Anybody in between can read and change what is sent.',
            remedy: 'Name the hospital’s authority in ca instead.',
          },
        ]
      : [],
  );
}

function brokerOverOneFile({ queue, ledger }: Config): Problem[] {
  if (queue === 'embedded' || /^postgres(ql)?:/.test(ledger)) return [];
  return [
    {
      path: 'ledger',
      value: JSON.stringify(ledger),
      message: 'A broker is there for readers on other machines, which cannot share a SQLite file.',
      remedy: 'Use a postgres:// ledger, or queue: embedded on one machine.',
    },
  ];
}
