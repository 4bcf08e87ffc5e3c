import { Command, Option } from 'commander';
import { STUDY_STATES } from '../ledger/types.ts';
import { configPath } from './config.ts';

export interface StudiesOptions {
  readonly config?: string;
  readonly json?: boolean;
}

export interface DeliveriesOptions extends StudiesOptions {
  readonly to?: string;
  readonly giveUp?: boolean;
}

/** `studies list|show|retry|forget|deliveries|backup`: the ledger, for an admin. */
export function studiesCommand(): Command {
  const command = new Command('studies').description(
    'The ledger: what came, what was read, what is stuck and why.',
  );
  const file = [
    '--config <file>',
    'the config file (default: $DEEP_HEALTH_CONFIG, else the defaults)',
  ] as const;
  const json = ['--json', 'JSON on stdout, one object a line'] as const;

  command
    .command('list')
    .description('Studies, newest first.')
    .addOption(new Option('--state <state>', 'only those in this state').choices(STUDY_STATES))
    .option('--since <time>', 'only those noticed since this date or time (ISO 8601)')
    .option('--limit <number>', 'at most so many', '100')
    .option(...file)
    .option(...json)
    .action(async (options: StudiesOptions & { state?: string; since?: string; limit: string }) => {
      const { listStudies } = await import('./studies-ledger.ts');
      await listStudies(configPath(options.config), options);
    });

  command
    .command('show')
    .description('One study: films, readings, deliveries, and what happened when.')
    .argument('<study>', 'Study Instance UID')
    .option(...file)
    .option(...json)
    .action(async (study: string, options: StudiesOptions) => {
      const { showStudy } = await import('./studies-ledger.ts');
      await showStudy(configPath(options.config), study, options);
    });

  command
    .command('retry')
    .description('Takes failed studies and parked deliveries up again.')
    .argument('[study...]', 'Study Instance UIDs (default: all that failed or are stuck)')
    .option('--reread', 'read the studies again, with the model of today')
    .option(...file)
    .option(...json)
    .action(async (studies: string[], options: StudiesOptions & { reread?: boolean }) => {
      const { retryStudies } = await import('./studies-ledger.ts');
      await retryStudies(configPath(options.config), studies, options);
    });

  command
    .command('forget')
    .description('Removes studies with their films and results from this service (not from the PACS).')
    .argument('<study...>', 'Study Instance UIDs')
    .option(...file)
    .option(...json)
    .action(async (studies: string[], options: StudiesOptions) => {
      const { forgetStudies } = await import('./studies-ledger.ts');
      await forgetStudies(configPath(options.config), studies, options);
    });

  command
    .command('deliveries')
    .description(
      'What waits for each PACS, RIS or folder; for one that was taken out of the config, what becomes of it.',
    )
    .argument('[destination]', 'one that the config does not name any more')
    .option('--to <destination>', 'send what waits for it to this one instead')
    .option('--give-up', 'end what waits for it unsent, and the messages that announce it')
    .option(...file)
    .option(...json)
    .action(async (destination: string | undefined, options: DeliveriesOptions) => {
      const { deliveriesOf } = await import('./studies-deliveries.ts');
      await deliveriesOf(configPath(options.config), destination, options);
    });

  command
    .command('backup')
    .description(
      'Copies ledger, films and secret into a new folder while the service runs (see docs/backup.md).',
    )
    .argument('<folder>', 'a folder that is not there yet')
    .option(...file)
    .option(...json)
    .action(async (folder: string, options: StudiesOptions) => {
      const { backupStudies } = await import('./studies-backup.ts');
      await backupStudies(configPath(options.config), folder, options);
    });

  return command;
}
