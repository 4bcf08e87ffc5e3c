import { Command } from 'commander';

export interface RetrainCommandOptions {
  readonly out: string;
  readonly base?: string;
  readonly labels?: string;
  readonly name?: string;
  readonly description?: string;
  readonly config?: string;
  readonly json?: boolean;
}

export function retrainCommand(): Command {
  return new Command('retrain')
    .description('Retrains the last layer of a model on your own films and writes a new model folder.')
    .argument(
      '<folder>',
      'films in class folders, in the layout of the public data set, or with a CSV of labels',
    )
    .requiredOption('--out <folder>', 'the new model folder; must not exist or be empty')
    .option('--base <folder>', 'the model to start from (default: the one of the config)')
    .option('--labels <file>', 'a CSV that names each film’s class (default: the one in the folder)')
    .option('--name <name>', 'name of the new model')
    .option('--description <sentence>', 'what the films are, for the model card')
    .option('--config <file>', 'the config file: model and engine')
    .option('--json', 'the result as one JSON object on stdout')
    .addHelpText(
      'after',
      `
What the network computes for each film is kept beside the new folder (<out>.bottlenecks), so that a run that
was stopped with Ctrl-C goes on where it was.
Exit codes: 0 done, 1 failed or stopped, 2 wrong usage or config, 3 done, but some films could not be read.`,
    )
    .action(async (folder: string, options: RetrainCommandOptions) => {
      const { retrainOnFolder } = await import('./retrain-folder.ts');
      process.exitCode = await retrainOnFolder(folder, options);
    });
}
