/**
 * `npm run bench:load -- [options]`: studies of mixed size and transfer syntax, every tenth not readable, pushed,
 * polled and announced by several senders at once. Every one has to end as it should, with one report of each
 * profile in a real Orthanc and one message at an independent RIS, looked at from outside.
 * Prints a table and writes bench/load-results.json. Exit code 1 when something does not hold.
 *
 *   --setup embedded|spread|both   SQLite in one process, or roles over RabbitMQ and PostgreSQL (default both)
 *   --studies N                    each set-up (default 5000)
 *   --senders N                    (default 8)
 *   --ahead N                      senders pause while so many studies have not ended (default 24)
 *   --threads N                    of the network (default 0: one a core)
 *   --backlog N                    instead: N studies wait for an archive and a RIS that are away (20000)
 *   --away N                       seconds that they stay away (default 120)
 */
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { runAway } from './load/away.ts';
import { type LoadReport, runLoad } from './load/run.ts';

const { values } = parseArgs({
  options: {
    setup: { type: 'string', default: 'both' },
    studies: { type: 'string', default: '5000' },
    senders: { type: 'string', default: '8' },
    ahead: { type: 'string', default: '24' },
    threads: { type: 'string', default: '0' },
    backlog: { type: 'string' },
    away: { type: 'string', default: '120' },
  },
});
const say = (line: string) => process.stderr.write(`${line}\n`);
if (values.backlog !== undefined) {
  const report = await runAway({ studies: Number(values.backlog), awaySeconds: Number(values.away), say });
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  process.exit(report.violations.length === 0 && report.outOfTurn === 0 ? 0 : 1);
}
const setups = values.setup === 'both' ? (['embedded', 'spread'] as const) : [values.setup];
const reports: LoadReport[] = [];
for (const setup of setups) {
  if (setup !== 'embedded' && setup !== 'spread') throw new Error(`--setup ${setup} is not known`);
  say(`${setup}: ${values.studies} studies`);
  reports.push(
    await runLoad({
      ...{ setup, say, studies: Number(values.studies), senders: Number(values.senders) },
      ...{ ahead: Number(values.ahead), threads: Number(values.threads) },
    }),
  );
}
for (const {
  setup,
  studies,
  seconds,
  studiesPerSecond,
  endings,
  processes,
  arrivalToReport,
  violations,
} of reports) {
  const { p50, p95, p99 } = arrivalToReport;
  const lines = [
    `${setup}: ${studies} studies in ${seconds} s (${studiesPerSecond}/s)`,
    `  ended: ${Object.entries(endings)
      .map(([state, count]) => `${count} ${state}`)
      .join(', ')}`,
    `  arrival to stored SR: p50 ${p50} s, p95 ${p95} s, p99 ${p99} s`,
    ...Object.entries(processes).map(
      ([role, { rss, growth, loopDelayP99, loopDelayWorst }]) =>
        `  ${role}: ${rss} MB, ${growth} MB per 1,000 studies, event loop p99 ${loopDelayP99} ms (worst ${loopDelayWorst} ms)`,
    ),
    `  violations: ${violations.length}${violations.map((line) => `\n    ${line}`).join('')}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  if (violations.length > 0) process.exitCode = 1;
}
const machine = { processor: cpus()[0]?.model, processors: cpus().length, node: process.version };
await writeFile(
  new URL('load-results.json', import.meta.url),
  `${JSON.stringify({ when: new Date().toISOString(), machine, reports }, null, 2)}\n`,
);
// Sockets of the last requests linger.
process.exit();
