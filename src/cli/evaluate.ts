import { Command, Option } from 'commander';
import type { Part } from '../ai/films/truth.ts';

export interface EvaluateCommandOptions {
  readonly model?: string;
  readonly out?: string;
  readonly labels?: string;
  readonly part?: Part | 'all';
  readonly config?: string;
  readonly json?: boolean;
}

export function evaluateCommand(): Command {
  return new Command('evaluate')
    .description('Reads labelled films and tells how often the model is right.')
    .argument(
      '<folder>',
      'films in class folders, in the layout of the public data set, or with a CSV of labels',
    )
    .option('--model <folder>', 'the model under test (default: the one of the config)')
    .option('--out <folder>', 'write report.html and metrics.json there')
    .option('--labels <file>', 'a CSV that names each film’s class (default: the one in the folder)')
    .addOption(
      new Option(
        '--part <name>',
        'the part of a divided data set (default: test where there is one)',
      ).choices(['train', 'test', 'val', 'all']),
    )
    .option('--config <file>', 'the config file: model and engine')
    .option('--json', 'the figures as one JSON object on stdout')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 failed, 2 wrong usage or config, 3 done, but some films could not be read.',
    )
    .action(async (folder: string, options: EvaluateCommandOptions) => {
      const { evaluateFolder } = await import('./evaluate-folder.ts');
      process.exitCode = await evaluateFolder(folder, options);
    });
}
