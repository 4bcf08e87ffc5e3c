/**
 * `npm run bench:faults -- [options]`: the service among peers that are killed, frozen, cut off, slow, and
 * repeat themselves, on a disk that fills and a clock that jumps; then what it promises is checked from outside.
 * The seed is printed and reproduces the plan. Exit code 1 when something does not hold.
 *
 *   --setup embedded|spread|both   one process, or roles over RabbitMQ and PostgreSQL (default both)
 *   --seconds N                    of trouble, each set-up (default 1800)
 *   --seed TEXT                    default: drawn
 *   --pace N                       1: a kill every fifteen seconds or so (default 5: over 200 in half an hour)
 *   --rate N                       studies a second (default 0.7)
 *   --patience N                   seconds until everything has to have ended (default 600)
 *   --keep                         keep folder and logs where something does not hold
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { runFaults } from './faults/run.ts';

const { values } = parseArgs({
  options: {
    setup: { type: 'string', default: 'both' },
    seconds: { type: 'string', default: '1800' },
    seed: { type: 'string', default: randomBytes(4).toString('hex') },
    pace: { type: 'string', default: '5' },
    rate: { type: 'string', default: '0.7' },
    patience: { type: 'string', default: '600' },
    keep: { type: 'boolean', default: false },
  },
});

const say = (line: string) => process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
const setups = values.setup === 'both' ? (['embedded', 'spread'] as const) : [values.setup];
for (const setup of setups) {
  if (setup !== 'embedded' && setup !== 'spread') throw new Error(`--setup ${setup} is not known`);
  const report = await runFaults({
    ...{ setup, say, seed: values.seed, keep: values.keep },
    seconds: Number(values.seconds),
    pace: Number(values.pace),
    rate: Number(values.rate),
    patienceSeconds: Number(values.patience),
  });
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  say(
    report.violations.length === 0
      ? `${setup}: everything holds after ${report.kills} kills (seed ${report.seed})`
      : `${setup}: ${report.violations.length} VIOLATIONS (seed ${report.seed})`,
  );
  if (report.violations.length > 0) process.exitCode = 1;
}
// Sockets of the last requests linger.
process.exit();
