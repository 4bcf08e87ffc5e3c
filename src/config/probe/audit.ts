import { access, constants } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { DeepHealthError } from '../../errors/error.ts';
import { connect } from '../../hl7/mllp/connection.ts';
import { tlsOf } from '../../server/site.ts';
import type { Config } from '../schema.ts';
import type { Probe } from './probe.ts';

/** The audit repository takes TLS connections, or the file can be written. No message is sent. */
export function auditProbes({ observe: { audit } }: Config): Probe[] {
  if (audit.type === 'none') return [];
  if (audit.type === 'file') {
    return [{ what: 'observe.audit.path', run: () => writable(resolve(audit.path)) }];
  }
  return [
    {
      what: 'observe.audit connect',
      async run() {
        const { host, port, tls } = audit;
        const attempt = await connect({ host, port, tls: tlsOf(tls), timeoutMs: 5000, maxFrameBytes: 1024 });
        if (attempt.kind === 'failed') {
          throw new DeepHealthError(attempt.code === 'mllp.tls' ? 'audit.tls' : 'audit.unreachable');
        }
        const event = await attempt.connection.next(200);
        attempt.connection.end();
        if (event.kind === 'lost') throw new DeepHealthError('audit.tls');
        return 'takes connections over TLS';
      },
    },
  ];
}

async function writable(path: string): Promise<string> {
  for (const place of [path, dirname(path), dirname(dirname(path))]) {
    try {
      await access(place, constants.W_OK);
      return place === path ? 'writable' : 'can be made';
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      throw new DeepHealthError('audit.file', undefined, { cause: error });
    }
  }
  throw new DeepHealthError('audit.file');
}
