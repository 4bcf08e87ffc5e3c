import { Command } from 'commander';

export interface CheckOptions {
  readonly config?: string;
  readonly probe?: boolean;
  readonly json?: boolean;
}

/** Where the config is looked for when --config is not given: the environment, then the working folder. */
export function configPath(given: string | undefined): string | null {
  return given ?? process.env.DEEP_HEALTH_CONFIG ?? null;
}

export function configCommand(): Command {
  const command = new Command('config').description('Checks, shows or describes the configuration.');
  const file = [
    '--config <file>',
    'the config file (default: $DEEP_HEALTH_CONFIG, else the defaults)',
  ] as const;

  command
    .command('check')
    .description('Names every problem at once, with path, value and how to mend it.')
    .option(...file)
    .option(
      '--probe',
      'also try what it names: files, port, disk, ledger, queue, PACS, RIS, audit repository',
    )
    .option('--json', 'problems, advice and probes as JSON lines on stdout')
    .action(async (options: CheckOptions) => {
      const { checkConfig } = await import('./config-check.ts');
      await checkConfig(configPath(options.config), options);
    });

  command
    .command('print')
    .description('Shows the configuration in force, defaults filled in, secrets masked.')
    .option(...file)
    .option('--json', 'as JSON instead of YAML')
    .action(async (options: { config?: string; json?: boolean }) => {
      const [{ requireConfig }, { masked }] = await Promise.all([
        import('../config/require.ts'),
        import('../config/mask.ts'),
      ]);
      const shown = masked(requireConfig(configPath(options.config)));
      if (options.json === true) {
        process.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
        return;
      }
      const { stringify } = await import('yaml');
      process.stdout.write(stringify(shown));
    });

  command
    .command('schema')
    .description('Prints the JSON Schema of the config file, for editors.')
    .action(async () => {
      const { configJsonSchema } = await import('../config/json-schema.ts');
      process.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
    });

  return command;
}
