import { createDicomWebClient } from '../../dicom/web/client.ts';
import type { DicomWebConfig } from '../../dicom/web/config.ts';
import { createTransport } from '../../dicom/web/transport.ts';
import { DeepHealthError } from '../../errors/error.ts';
import { connect } from '../../hl7/mllp/connection.ts';
import { takesResults } from '../../reading/plan-deliveries.ts';
import { archiveConfig, tlsOf } from '../../server/site.ts';
import type { Config } from '../schema.ts';
import type { Probe } from './probe.ts';

const PATIENCE_MS = 5000;

/** Each archive: a query for one study, and whether there is something at the STOW-RS address. */
export function archiveProbes(config: Config): Probe[] {
  return config.pacs.flatMap((pacs, index) => {
    const settings = (): DicomWebConfig => ({
      ...archiveConfig(pacs, config),
      timeouts: { connect: PATIENCE_MS, headers: 10_000, body: 10_000, total: 12_000 },
    });
    const query: Probe = { what: `pacs.${index} query`, run: () => asks(settings()) };
    return takesResults(pacs, config)
      ? [query, { what: `pacs.${index} store`, run: () => takes(settings()) }]
      : [query];
  });
}

async function asks(settings: DicomWebConfig): Promise<string> {
  const client = createDicomWebClient(settings);
  try {
    await client.check();
    return 'answers queries (QIDO-RS), credentials accepted';
  } finally {
    await client.close();
  }
}

/**
 * A store request without any instance: nothing can be stored by it, and whatever the server says of its
 * content, it has said that it is there and who may ask.
 */
async function takes(settings: DicomWebConfig): Promise<string> {
  const transport = createTransport(settings);
  try {
    const answer = await transport.send({
      method: 'POST',
      path: '/studies',
      headers: {
        accept: 'application/dicom+json',
        'content-type': 'multipart/related; type="application/dicom"; boundary=probe',
      },
      body: async function* () {
        yield Buffer.from('--probe--\r\n');
      },
    });
    await answer.discard();
    if (answer.status === 401 || answer.status === 403) throw new DeepHealthError('web.unauthorized');
    if (answer.status === 404 || answer.status === 405 || answer.status === 501) {
      throw new DeepHealthError('web.store-missing');
    }
    if (answer.status === 502 || answer.status === 503 || answer.status === 504) {
      throw new DeepHealthError('web.busy');
    }
    return 'takes store requests (STOW-RS)';
  } finally {
    await transport.close();
  }
}

/** Each receiver: a connection and, where asked for, TLS. No message is sent. */
export function receiverProbes({ ris }: Config): Probe[] {
  return ris.map(({ host, port, tls }, index) => ({
    what: `ris.${index} connect`,
    async run() {
      const attempt = await connect({
        ...{ host, port, timeoutMs: PATIENCE_MS, maxFrameBytes: 1024 },
        tls: tls === undefined ? undefined : tlsOf(tls),
      });
      if (attempt.kind === 'failed') throw new DeepHealthError(attempt.code);
      // With TLS 1.3 a receiver that refuses our certificate says so after our handshake.
      const event = tls === undefined ? undefined : await attempt.connection.next(200);
      attempt.connection.end();
      if (event?.kind === 'lost') throw new DeepHealthError('mllp.tls');
      return tls === undefined ? 'takes connections' : 'takes connections over TLS';
    },
  }));
}
