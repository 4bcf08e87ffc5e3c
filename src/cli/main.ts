import { Command, CommanderError } from 'commander';
import { DeepHealthError } from '../errors/error.ts';
import { classifyCommand } from './classify.ts';
import { configCommand } from './config.ts';
import { demoCommand } from './demo.ts';
import { evaluateCommand } from './evaluate.ts';
import { EXIT } from './exit.ts';
import { outliveReaders } from './readers.ts';
import { retrainCommand } from './retrain.ts';
import { serveCommand } from './serve.ts';
import { studiesCommand } from './studies.ts';
import { productVersion } from './version.ts';

/**
 * The command line. Each command's file holds its options only and imports what it needs when it runs, so
 * that `--help` stays quick.
 *
 * @param argv the arguments after the program's name
 */
export async function main(argv: readonly string[]): Promise<void> {
  outliveReaders();
  const program = new Command('deep-health')
    .description(
      'Reads chest films (CR, DX) beside the PACS: DICOM SR, heat map and HL7 results.\n' +
        'Research and triage support. Not a medical device, not for primary diagnosis.',
    )
    .version(productVersion())
    .showHelpAfterError('(see --help)');
  program.addCommand(classifyCommand());
  program.addCommand(configCommand());
  program.addCommand(serveCommand());
  program.addCommand(demoCommand());
  program.addCommand(studiesCommand());
  program.addCommand(evaluateCommand());
  program.addCommand(retrainCommand());
  throwInsteadOfExit(program);

  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    process.exitCode = explain(error);
  }
}

/** Commander ends the process on its own otherwise, also in sub-commands. */
function throwInsteadOfExit(command: Command): void {
  command.exitOverride();
  for (const inner of command.commands) throwInsteadOfExit(inner);
}

/** Says what went wrong on stderr and gives the exit code. */
function explain(error: unknown): number {
  if (error instanceof CommanderError) {
    // Commander has printed its own sentence; help and version come this way too, with exit code 0.
    return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
  if (error instanceof DeepHealthError) {
    process.stderr.write(`${error.code}: ${error.message}\n`);
    // A model that cannot be used is a wrong setting: nothing was tried with it.
    return /^(usage|config|model|engine)\./.test(error.code) ? EXIT.usage : EXIT.failed;
  }
  process.stderr.write(
    `internal.unexpected: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return EXIT.failed;
}
