import { Command } from 'commander';

export interface DemoOptions {
  readonly keep?: boolean;
  readonly data?: string;
  readonly json?: boolean;
}

export function demoCommand(): Command {
  return new Command('demo')
    .description('The whole way on one machine: a phantom film is pushed, read, reported and delivered.')
    .option('--keep', 'leave the service running until Ctrl-C')
    .option('--data <folder>', 'folder for everything that is made (default: a new temporary one)')
    .option('--json', 'the paths as one JSON object on stdout')
    .action(async (options: DemoOptions) => {
      const { demo } = await import('./demo-run.ts');
      await demo(options);
    });
}
