/**
 * `npm run fuzz`: hostile inputs to everything that reads bytes from outside, repeatable by seed and number.
 *
 *   --cases N     cases in all, shared by the targets (default 100,000)
 *   --seed N      default 1
 *   --target A,B  these only
 *   --time S      ends after so many seconds
 *   --only N      this one case of the target, in this process, with its stack
 *   --keep        writes the input of each defect to test/fixtures/fuzz/, where a test tries it for ever
 *   --json FILE   the result
 *
 * Exit code 1 when there was a defect: something thrown that is no DeepHealthError, a promise rejected with
 * nobody to hear, a hang over the target's limit, a process that ended, memory that grew.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { MOST_GROWTH, runTarget, type TargetResult } from './campaign.ts';
import { caseRandom } from './random.ts';
import type { FuzzTarget } from './target.ts';
import { TARGETS } from './targets/all.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    target: { type: 'string' },
    time: { type: 'string' },
    only: { type: 'string' },
    keep: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});

const say = (line: string) => process.stdout.write(`${line}\n`);
const seed = Number(values.seed);
const names = values.target?.split(',');
const unknown = names?.find((name) => !TARGETS.some((target) => target.name === name));
if (unknown !== undefined) {
  say(`There is no target ${unknown}. There are ${TARGETS.map(({ name }) => name).join(', ')}.`);
  process.exit(2);
}
const targets = TARGETS.filter(({ name }) => names === undefined || names.includes(name));

if (values.only === undefined) await campaign();
else for (const target of targets) await one(target, Number(values.only));

async function one(target: FuzzTarget, number: number): Promise<void> {
  const open = await target.open();
  const input = open.make(caseRandom(seed, target.name, number));
  say(`${target.name} ${number}: ${input.length} bytes`);
  say(await open.run(input));
  await open.close();
}

async function campaign(): Promise<void> {
  const weights = targets.reduce((sum, { weight }) => sum + weight, 0);
  const until =
    values.time === undefined ? Number.POSITIVE_INFINITY : Date.now() + 1000 * Number(values.time);
  say(`seed ${seed}, ${values.cases} cases`);
  const results: TargetResult[] = [];
  for (const target of targets) {
    const cases = Math.ceil((Number(values.cases) * target.weight) / weights);
    const result = await runTarget(target, { seed, cases, until, say });
    results.push(result);
    say(line(result));
    if (values.keep) await keep(target, result);
  }
  const cases = results.reduce((sum, result) => sum + result.cases, 0);
  const defects = results.reduce((sum, { defectCount }) => sum + defectCount, 0);
  const grown = results
    .filter(({ memory }) => memory.residentGrowth > MOST_GROWTH)
    .map(({ target }) => target);
  say(`${cases} cases, ${defects} defects${grown.length > 0 ? `, memory grew in ${grown.join(', ')}` : ''}`);
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ seed, cases, defects, grown, results }, null, 1)}\n`);
  process.exitCode = defects > 0 || grown.length > 0 ? 1 : 0;
}

function line({ target, cases, seconds, outcomes, defectCount, stopped, memory }: TargetResult): string {
  const most = Object.entries(outcomes)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 6)
    .map(([outcome, count]) => `${outcome} ${count}`)
    .join(', ');
  const ended = stopped.length > 0 ? `, ${stopped.length} ended by the limit` : '';
  const grew = `${(memory.residentPerThousand / 1024).toFixed(1)} KiB per 1000 cases`;
  return `${target}: ${cases} cases in ${seconds.toFixed(0)} s, ${defectCount} defects${ended}, memory ${grew}; ${most}`;
}

async function keep(target: FuzzTarget, { defects }: TargetResult): Promise<void> {
  const open = await target.open();
  for (const { number } of defects) {
    const input = open.make(caseRandom(seed, target.name, number));
    writeFileSync(new URL(`../fixtures/fuzz/${target.name}-${seed}-${number}.bin`, import.meta.url), input);
  }
  await open.close();
}
