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
    ...zoneNobodyNamed(config, document),
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

/** Film times are those of the hospital's wall clock: results dated in another zone seem older than their film, or of another day. */
function zoneNobodyNamed({ pacs, ris }: Config, document: unknown): Problem[] {
  const { report } = (document ?? {}) as { readonly report?: { readonly timeZone?: unknown } | null };
  if (pacs.length + ris.length === 0 || report?.timeZone !== undefined) return [];
  return [
    {
      path: 'report.timeZone',
      message: 'Results are dated in UTC, beside films that are dated by the clocks of the hospital.',
      remedy: 'Name the zone of the hospital, such as Europe/Berlin, or UTC where that is meant.',
    },
  ];
}
