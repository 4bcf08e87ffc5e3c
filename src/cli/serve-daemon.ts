import { loadConfig } from '../config/load.ts';
import { requireConfig } from '../config/require.ts';
import { createLog, loggedFailure } from '../observe/log.ts';
import { type Role, startDaemon } from '../server/daemon.ts';
import { productVersion } from './version.ts';

/**
 * Runs the service until SIGTERM or SIGINT.
 *
 * @throws DeepHealthError `config.invalid`, `service.start`
 */
export async function serve(file: string | null, role: Role): Promise<void> {
  const config = requireConfig(file);
  const version = productVersion();
  const log = createLog(config.observe.log, { role, version });
  const daemon = await startDaemon(config, { role, log, version });

  process.on('SIGHUP', () => {
    const loaded = loadConfig(file);
    if (loaded.kind === 'invalid') {
      for (const problem of loaded.problems) log.error({ code: 'config.invalid', ...problem }, 'Problem');
      log.error(
        { code: 'service.reload-refused' },
        'The changed configuration has problems; the old one stays',
      );
      return;
    }
    daemon.reload(loaded.config).then(
      () => log.info('The changed configuration is in force'),
      (error: unknown) => log.error(loggedFailure(error), 'The old configuration stays'),
    );
  });

  const signal = await new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  log.info({ signal }, 'Stopping');
  await daemon.stop();
  log.info('Stopped');
}
