import { Command } from 'commander';
import { EXIT } from './exit.ts';

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
    .option('--json', 'problems as JSON lines on stdout')
    .action(async (options: { config?: string; json?: boolean }) => {
      const { loadConfig } = await import('../config/load.ts');
      const loaded = loadConfig(configPath(options.config));
      if (loaded.kind === 'valid') {
        process.stderr.write(`${loaded.file ?? 'the defaults'}: no problems\n`);
        return;
      }
      for (const { path, value, message, remedy } of loaded.problems) {
        if (options.json === true) {
          process.stdout.write(`${JSON.stringify({ path, value: value ?? null, message, remedy })}\n`);
        } else {
          const shown = value === undefined ? '' : ` = ${value}`;
          process.stderr.write(`${path === '' ? 'file' : path}${shown}\n    ${message} ${remedy}\n`);
        }
      }
      process.exitCode = EXIT.usage;
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
