/** `node bench/figure.ts NAME [--quick]`: one figure in this process; its rows go to the parent. */
import { FIGURES } from './figures.ts';
import type { Row } from './row.ts';

/** What the process of a figure tells `bench/run.ts`, row by row. */
export type Told =
  | { readonly kind: 'row'; readonly row: Row }
  | { readonly kind: 'failed'; readonly reason: string };

const [name, ...flags] = process.argv.slice(2);
const figure = FIGURES.find((each) => each.name === name);
if (figure === undefined) throw new Error(`There is no figure ${name}.`);

try {
  const bench = await figure.load();
  await bench({ quick: flags.includes('--quick') }, (row) => tell({ kind: 'row', row }));
} catch (error) {
  process.exitCode = 1;
  tell({ kind: 'failed', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}
// Whatever a bench left open must not hold up the next one; what was told leaves first.
process.disconnect?.();
setTimeout(() => process.exit(), 100);

function tell(told: Told): void {
  if (process.send === undefined) process.stdout.write(`${JSON.stringify(told)}\n`);
  else process.send(told);
}
