import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../config/load.ts';
import { requireValid } from '../config/require.ts';
import { createLog, type Log, loggedFailure } from '../observe/log.ts';
import { type Daemon, type Role, startDaemon } from '../server/daemon.ts';
import { EXIT } from './exit.ts';
import { productVersion } from './version.ts';

/** Below the 30 s after which container platforms kill. */
const LONGEST_STOP_MS = 28_000;

/**
 * Runs the service until SIGTERM or SIGINT.
 *
 * @throws DeepHealthError `config.invalid`, `service.start`
 */
export async function serve(file: string | null, role: Role): Promise<void> {
  const { config, advice } = requireValid(file);
  const version = productVersion();
  const log = createLog(config.observe.log, { role, version });
  for (const { path, message, remedy } of advice) log.warn({ key: path }, `${message} ${remedy}`);
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  // Node would print the error's own words, which may quote a patient. Nothing is lost by ending.
  process.on('uncaughtException', (error) => {
    log.fatal(loggedFailure(error), 'An unknown failure ends the service; its supervisor starts it again');
    process.exit(EXIT.failed);
  });
  process.on('unhandledRejection', (error) => {
    log.error(loggedFailure(error), 'A failure that nobody waited for');
  });
  // Unheard, Node opens its debugger at it, and whoever has an account on the machine may then run code as the service.
  process.on('SIGUSR1', () =>
    log.warn('SIGUSR1 means nothing to this service; SIGHUP reloads its configuration'),
  );
  // Heard from the first moment on: a signal must not end a process that is still starting.
  let daemon: Daemon | undefined;
  process.on('SIGHUP', () => {
    if (daemon !== undefined) reload(daemon, file, log);
  });

  daemon = await startDaemon(config, { role, log, version });
  const signal = await stopped;
  log.info({ signal }, 'Stopping');
  // A peer that never answers does not keep us from ending; what was in hand is taken up at the next start.
  await Promise.race([daemon.stop(), sleep(LONGEST_STOP_MS)]);
  log.info('Stopped');
  process.exit(EXIT.done);
}

function reload(daemon: Daemon, file: string | null, log: Log): void {
  const loaded = loadConfig(file);
  if (loaded.kind === 'invalid') {
    for (const problem of loaded.problems) log.error({ code: 'config.invalid', ...problem }, 'Problem');
    log.error({ code: 'service.reload-refused' }, 'The old configuration stays');
    return;
  }
  daemon.reload(loaded.config).then(
    () => log.info('The changed configuration is in force'),
    (error: unknown) => log.error(loggedFailure(error), 'The old configuration stays'),
  );
}
