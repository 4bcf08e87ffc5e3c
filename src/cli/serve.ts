import { Command, Option } from 'commander';
import { configPath } from './config.ts';

export interface ServeOptions {
  readonly config?: string;
  readonly role: 'all' | 'intake' | 'read' | 'deliver';
}

export function serveCommand(): Command {
  return new Command('serve')
    .description('The service: takes in studies, reads them, delivers the results.')
    .option('--config <file>', 'the config file (default: $DEEP_HEALTH_CONFIG, else the defaults)')
    .addOption(
      new Option('--role <role>', 'what this process does, to spread the service over machines')
        .choices(['all', 'intake', 'read', 'deliver'])
        .default('all'),
    )
    .addHelpText(
      'after',
      `
SIGTERM and SIGINT stop it: intake ends, work in hand is finished or put back, exit code 0.
SIGHUP takes over a changed config file as a whole, or keeps the old one and says why.`,
    )
    .action(async ({ config, role }: ServeOptions) => {
      const { serve } = await import('./serve-daemon.ts');
      await serve(configPath(config), role);
    });
}
