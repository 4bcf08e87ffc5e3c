import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { configSchema } from '../config/schema.ts';
import { phantomFile } from '../dicom/phantom/file.ts';
import { identityOf } from '../dicom/web/identity.ts';
import { writeMultipart } from '../dicom/web/multipart.ts';
import { DeepHealthError } from '../errors/error.ts';
import type { Ledger, ReportObjectKind, StudyHistory } from '../ledger/types.ts';
import { type StudyUid, studyUid } from '../ledger/uids.ts';
import { createLog } from '../observe/log.ts';
import { outboxName } from '../reading/to-folder.ts';
import { startDaemon } from '../server/daemon.ts';
import type { DemoOptions } from './demo.ts';
import { productVersion } from './version.ts';

const LONGEST_MS = 120_000;

/**
 * Starts the service with its embedded defaults on a free port, pushes a phantom film by STOW-RS and waits for
 * what comes out.
 *
 * @throws DeepHealthError `service.start`, or why the film was not read
 */
export async function demo(options: DemoOptions): Promise<void> {
  const folder = options.data ?? (await mkdtemp(join(tmpdir(), 'deep-health-demo-')));
  const config = configSchema.parse({
    server: { port: 0, settle: '100 ms' },
    ledger: join(folder, 'ledger.sqlite'),
    storage: { folder, reserve: '64 MiB' },
    observe: { log: { level: options.keep === true ? 'info' : 'warn' } },
  });
  const version = productVersion();
  const say = (line: string) => process.stderr.write(`${line}\n`);
  say('Starting the service ...');
  const began = performance.now();
  const daemon = await startDaemon(config, {
    role: 'all',
    log: createLog(config.observe.log, { role: 'demo', version }),
    version,
  });
  try {
    say(`It listens on ${daemon.url} after ${seconds(began)}. Drawing a phantom film of a child's chest ...`);
    const film = phantomFile({ finding: 'viral', seed: 4 });
    const study = studyUid(identityOf(film).studyInstanceUid);
    const pushed = performance.now();
    await push(daemon.url, film);
    say('Pushed by STOW-RS; waiting for the results ...');
    const history = await delivered(daemon.ledger, study);
    say(`Read, reported and delivered in ${seconds(pushed)}.\n`);
    show(history, folder, daemon.url, options);
    if (options.keep === true) {
      say('\nThe service goes on running; Ctrl-C ends it.');
      await new Promise((resolve) => {
        process.once('SIGINT', resolve);
        process.once('SIGTERM', resolve);
      });
    }
  } finally {
    await daemon.stop();
  }
}

const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

async function push(url: string, film: Uint8Array): Promise<void> {
  const message = writeMultipart('application/dicom', [
    { contentType: 'application/dicom', size: film.length, open: () => [film] },
  ]);
  const chunks: Uint8Array[] = [];
  for await (const chunk of message.stream()) chunks.push(chunk);
  const answer = await fetch(`${url}/dicom-web/studies`, {
    method: 'POST',
    headers: { 'content-type': message.contentType, accept: 'application/dicom+json' },
    body: Buffer.concat(chunks),
  });
  await answer.arrayBuffer();
  if (answer.status === 200) return;
  // 409 for a film that is there already, with other bytes: a data folder of another version of the demo.
  throw new DeepHealthError('stow.refused', `The receiver answered ${answer.status}.`);
}

async function delivered(ledger: Ledger, study: StudyUid): Promise<StudyHistory> {
  const deadline = performance.now() + LONGEST_MS;
  while (performance.now() < deadline) {
    const history = await ledger.studies.history(study);
    const status = history?.study.status;
    if (history !== undefined && status?.state === 'delivered') return history;
    if (status?.state === 'failed' || status?.state === 'skipped') {
      throw new DeepHealthError('study.nothing-to-read', `${status.reason.code}: ${status.reason.message}`);
    }
    await sleep(50);
  }
  throw new DeepHealthError('reading.timeout', 'The results did not come within two minutes.');
}

const TITLES: readonly (readonly [ReportObjectKind, string])[] = [
  ['sr-text', 'SR, to read'],
  ['sr-air', 'SR, TID 1500'],
  ['heat-map', 'Heat map'],
  ['oru', 'HL7 ORU^R01'],
];

function show({ objects, study }: StudyHistory, folder: string, url: string, options: DemoOptions): void {
  const home = resolve(folder, 'outbox', study.studyUid);
  const made = TITLES.flatMap(([kind, title]) => {
    const object = objects.findLast((each) => each.kind === kind);
    return object === undefined ? [] : [{ kind, title, path: join(home, outboxName(object)) }];
  });
  if (options.json === true) {
    const paths = Object.fromEntries(made.map(({ kind, path }) => [kind, path]));
    process.stdout.write(`${JSON.stringify({ ...paths, result: study.summary, console: `${url}/` })}\n`);
    return;
  }
  const { conclusion } = study.summary as { conclusion: string };
  process.stdout.write(`${conclusion}\n`);
  process.stdout.write('(The film is a drawing: the answer shows how results look and means nothing.)\n\n');
  for (const { title, path } of made) process.stdout.write(`${title.padEnd(14)}${path}\n`);
  const hint = options.keep === true ? '' : '  (leave the service running with --keep)';
  process.stdout.write(`${'Console'.padEnd(14)}${url}/${hint}\n`);
}
