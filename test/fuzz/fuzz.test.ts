/** The short form of `npm run fuzz`, and every input that ever broke something. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { runTarget } from './campaign.ts';
import { TARGETS } from './targets/all.ts';

const FINDS = new URL('../fixtures/fuzz/', import.meta.url);

/** About a second or two each on a quiet machine. */
const CASES: Readonly<Record<string, number>> = {
  ...{ film: 1_200, identity: 1_500, decoders: 250, codecs: 250, stow: 250, picture: 400 },
  ...{ qido: 2_000, wado: 3_000, store: 3_000, mllp: 5_000, config: 300, manifest: 3_000 },
};

for (const target of TARGETS) {
  test(`hostile inputs to ${target.name} end in words of our own, and in nothing else`, async () => {
    const cases = CASES[target.name] ?? 500;
    const said: string[] = [];
    const say = (line: string) => void said.push(line);
    const result = await runTarget(target, { seed: 7, cases, until: Number.POSITIVE_INFINITY, say });
    assert.equal(result.defectCount, 0, said.slice(0, 5).join('\n'));
    assert.equal(result.cases, cases);
    const outcomes = Object.keys(result.outcomes);
    assert.ok(outcomes.length > 1, `only ${outcomes}: the cases do not go deep`);
  });
}

test('what broke something once breaks nothing any more', async () => {
  const finds = readdirSync(FINDS).filter((name) => name.endsWith('.bin'));
  assert.ok(finds.length > 0);
  for (const name of finds) {
    const target = TARGETS.find((one) => name.startsWith(`${one.name}-`));
    assert.ok(target, `${name} is named after no target`);
    const open = await target.open();
    await open.run(Uint8Array.from(readFileSync(new URL(name, FINDS))));
    await open.close();
  }
});
