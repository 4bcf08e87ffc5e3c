import { readFileSync } from 'node:fs';
import type { Config } from '../config/schema.ts';
import { parseDuration, parseSize } from '../config/units.ts';
import { createDicomWebClient, type DicomWebClient } from '../dicom/web/client.ts';
import type { DicomWebAuth, DicomWebConfig } from '../dicom/web/config.ts';
import { DeepHealthError } from '../errors/error.ts';
import { createMllpClient } from '../hl7/mllp/client.ts';
import type { DataFolder } from '../intake/data-folder.ts';
import type { TlsOptions } from '../net/tls.ts';
import type { Log } from '../observe/log.ts';
import type { Destination } from '../reading/deliver.ts';
import { takesResults } from '../reading/plan-deliveries.ts';
import { folderDestination } from '../reading/to-folder.ts';
import { pacsDestination } from '../reading/to-pacs.ts';
import { risDestination } from '../reading/to-ris.ts';

/** The peers that a configuration names, ready to be spoken to. Replaced as a whole by a reload. */
export interface Site {
  readonly archives: ReadonlyMap<string, DicomWebClient>;
  readonly destinations: readonly Destination[];
  close(): Promise<void>;
}

/** Makes the clients; nothing is connected yet. Throws `service.certificate` for files that cannot be read. */
export function openSite(config: Config, folder: DataFolder, log: Log): Site {
  const archives = new Map<string, DicomWebClient>();
  for (const pacs of config.pacs) archives.set(pacs.name, archiveClient(pacs, config, log));
  const destinations: Destination[] = [folderDestination(folder)];
  for (const pacs of config.pacs) {
    const { name, url } = pacs;
    const client = archives.get(name);
    if (takesResults(pacs, config) && client !== undefined)
      destinations.push({ ...pacsDestination(name, client), address: new URL(url).hostname });
  }
  for (const ris of config.ris) {
    destinations.push({ ...risDestination(ris.name, receiverClient(ris, log)), address: ris.host });
  }
  return {
    archives,
    destinations,
    async close() {
      await Promise.all([...destinations, ...archives.values()].map((peer) => peer.close()));
    },
  };
}

function archiveClient(pacs: Config['pacs'][number], config: Config, log: Log): DicomWebClient {
  return createDicomWebClient({
    ...archiveConfig(pacs, config),
    onNotice: (notice) =>
      log[notice.code === 'unchecked-certificate' ? 'warn' : 'debug'](
        { pacs: pacs.name, code: notice.code },
        notice.message,
      ),
  });
}

/** An archive as its client wants it. Throws `service.certificate`. */
export function archiveConfig(pacs: Config['pacs'][number], config: Pick<Config, 'server'>): DicomWebConfig {
  const silence = parseDuration(pacs.timeout) ?? 60_000;
  return {
    name: pacs.name,
    url: pacs.url,
    auth: authOf(pacs.auth),
    tls: tlsOf(pacs.tls),
    timeouts: { connect: Math.min(10_000, silence), headers: silence, body: silence },
    limits: { instance: parseSize(config.server.maxFilm) ?? 200 * 2 ** 20 },
    connections: pacs.connections,
  };
}

function authOf(auth: Config['pacs'][number]['auth']): DicomWebAuth {
  switch (auth.type) {
    case 'none':
      return { kind: 'none' };
    case 'basic':
      return { kind: 'basic', username: auth.user, password: auth.password };
    case 'bearer':
      return { kind: 'bearer', tokenFile: auth.tokenFile };
    case 'oauth2': {
      const { tokenUrl, clientId, clientSecret, scope, audience, credentials } = auth;
      return {
        kind: 'oauth2',
        ...{ tokenUrl, clientId, clientSecret, credentials },
        ...(scope === undefined ? {} : { scope }),
        ...(audience === undefined ? {} : { audience }),
      };
    }
  }
}

function receiverClient(ris: Config['ris'][number], log: Log) {
  const acknowledge = parseDuration(ris.acknowledgeTimeout) ?? 30_000;
  return createMllpClient({
    name: ris.name,
    host: ris.host,
    port: ris.port,
    ...(ris.tls === undefined ? {} : { tls: tlsOf(ris.tls) }),
    timeouts: { ack: acknowledge, application: acknowledge },
    // The ledger spaces the attempts; the client only keeps a dead receiver from being hammered by many.
    reconnect: { minMs: 500, maxMs: 15_000 },
    onNotice: ({ code, message }) =>
      log[code === 'application-ack-missing' ? 'debug' : 'warn']({ ris: ris.name, code }, message),
  });
}

type ClientTls = Config['pacs'][number]['tls'];

/** How a peer is spoken to over TLS. Throws `service.certificate`. */
export function tlsOf(tls: ClientTls): TlsOptions {
  return {
    ...(tls.ca === undefined ? {} : { ca: readPem(tls.ca) }),
    ...(tls.cert === undefined ? {} : { cert: readPem(tls.cert) }),
    ...(tls.key === undefined ? {} : { key: readPem(tls.key) }),
    ...(tls.passphrase === undefined ? {} : { passphrase: tls.passphrase }),
    ...(tls.serverName === undefined ? {} : { serverName: tls.serverName }),
    dangerouslyAcceptAnyCertificate: tls.dangerouslyAcceptAnyCertificate,
  };
}

/** Reads a PEM file that the configuration names. Throws `service.certificate`. */
export function readPem(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new DeepHealthError('service.certificate', `${path} cannot be read (${code}).`);
  }
  if (!text.includes('-----BEGIN ')) throw new DeepHealthError('service.certificate', `${path} is not PEM.`);
  return text;
}
