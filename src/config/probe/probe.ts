import { DeepHealthError, ERROR_KINDS, type ErrorCode } from '../../errors/error.ts';
import { loggedFailure } from '../../observe/log.ts';
import type { Config } from '../schema.ts';
import { auditProbes } from './audit.ts';
import { certificateProbes, modelProbes, tokenProbes } from './files.ts';
import { archiveProbes, receiverProbes } from './peers.ts';
import { dataFolderProbe, ledgerProbe, portProbe, queueProbe } from './service.ts';

/** Something that the configuration names and that can be tried without changing anything. */
export interface Probe {
  /** Path in the configuration, and what is tried: `pacs.0 query`. */
  readonly what: string;
  /** Tries it; gives a sentence on what was found. Throws DeepHealthError with what is wrong. */
  run(): Promise<string>;
}

/** What came of one probe. */
export interface ProbeOutcome {
  readonly probe: string;
  readonly outcome: 'ok' | 'failed';
  readonly code: ErrorCode | null;
  readonly message: string;
  /** How to mend it; null where nothing is wrong. */
  readonly remedy: string | null;
  /** Milliseconds. */
  readonly ms: number;
}

/** A peer that is silent for so long is away. */
const LONGEST_MS = 15_000;

/**
 * Tries everything that a configuration names: files, data folder, port, ledger, queue, archives, receivers,
 * audit repository. Nothing is changed: no message is sent, nothing stored, no ledger made. All at once; the
 * outcomes come in the order of the configuration.
 */
export async function probeConfig(config: Config): Promise<ProbeOutcome[]> {
  const probes = [
    portProbe(config),
    ...certificateProbes(config),
    ...tokenProbes(config),
    ...modelProbes(config),
    dataFolderProbe(config),
    ledgerProbe(config),
    queueProbe(config),
    ...archiveProbes(config),
    ...receiverProbes(config),
    ...auditProbes(config),
  ];
  return Promise.all(probes.map(outcomeOf));
}

async function outcomeOf({ what, run }: Probe): Promise<ProbeOutcome> {
  const began = performance.now();
  const took = () => Math.round(performance.now() - began);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new DeepHealthError('web.timeout', `No answer within ${LONGEST_MS / 1000} s.`)),
      LONGEST_MS,
    );
  });
  try {
    const message = await Promise.race([run(), late]);
    return { probe: what, outcome: 'ok', code: null, message, remedy: null, ms: took() };
  } catch (error) {
    const { code, message } = loggedFailure(error);
    const known = error instanceof DeepHealthError ? error.code : 'internal.unexpected';
    const { remedy } = ERROR_KINDS[known];
    return { probe: what, outcome: 'failed', code: code as ErrorCode, message, remedy, ms: took() };
  } finally {
    clearTimeout(timer);
  }
}
