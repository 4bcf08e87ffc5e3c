import { Command, Option } from 'commander';
import { EXIT } from './exit.ts';

export interface ClassifyOptions {
  readonly out?: string;
  readonly model?: string;
  readonly config?: string;
  readonly engine?: 'onnx' | 'tfjs';
  readonly json?: boolean;
}

export function classifyCommand(): Command {
  return new Command('classify')
    .description('Reads chest films (DICOM, JPEG, PNG) and tells what the network sees.')
    .argument('<path...>', 'films, or folders with films')
    .option('--out <folder>', 'write SR, heat map, HL7 message and JSON of each film there')
    .option('--model <folder>', 'the model to read with (default: the one of the config)')
    .option('--config <file>', 'the config file: station, report and HL7 settings')
    .addOption(
      new Option('--engine <name>', 'what computes the network (default: the one of the config)').choices([
        'onnx',
        'tfjs',
      ]),
    )
    .option('--json', 'one JSON object a film on stdout')
    .addHelpText(
      'after',
      `
Exit codes: 0 all films were read, 1 none was, 2 wrong usage or config, 3 some could not be read.
With --out, for each film: <name>.sr.dcm (SR for machines, profile air), <name>.text.sr.dcm (SR for people),
<name>.heatmap.dcm, <name>.heatmap.png, <name>.oru.hl7, <name>.json.`,
    )
    .action(async (paths: string[], options: ClassifyOptions) => {
      const { classifyFiles } = await import('./classify-files.ts');
      const { read, failed } = await classifyFiles(paths, options);
      process.exitCode = failed === 0 && read > 0 ? EXIT.done : read === 0 ? EXIT.failed : EXIT.partly;
    });
}
