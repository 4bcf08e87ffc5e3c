import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'csv-parse/sync';
import { LABELS } from '../src/ai/reading.ts';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '..');

interface ScoredFilm {
  readonly film: string;
  readonly label: string;
  readonly source: string;
  readonly normal: string;
  readonly bacterial: string;
  readonly viral: string;
}

interface Classified {
  readonly file: string;
  readonly model: { version: string };
  readonly probabilities: Record<string, number>;
}

function softmax(logits: readonly number[]): number[] {
  const top = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** The probabilities that were calibrated with this temperature, as they are without it. */
function uncalibrated(probabilities: readonly number[], temperature: number): number[] {
  return softmax(probabilities.map((probability) => temperature * Math.log(probability)));
}

async function pythonHas(modules: readonly string[]): Promise<boolean> {
  return run('/usr/bin/python3', ['-c', `import ${modules.join(', ')}`]).then(
    () => true,
    () => false,
  );
}

test('a model made by the whole training pipeline scores films in the product as it did in training', async (t) => {
  if (!(await pythonHas(['torch', 'onnx', 'sklearn', 'scipy', 'PIL']))) {
    t.skip('PyTorch, python3-onnx, scikit-learn or python3-pil is not installed');
    return;
  }
  const scratch = await mkdtemp(path.join(tmpdir(), 'dh-smoke-'));
  t.after(() => rm(scratch, { recursive: true, force: true }));
  const env = { ...process.env, OMP_WAIT_POLICY: 'passive' };
  await run('sh', [path.join(root, 'training/smoke.sh'), scratch], { env, maxBuffer: 1 << 26 });

  const model = path.join(scratch, 'model');
  const manifest = JSON.parse(await readFile(path.join(model, 'manifest.json'), 'utf8')) as {
    calibration: { temperature: number };
  };
  const table = await readFile(path.join(scratch, 'results/held-back.csv'), 'utf8');
  const scored = parse<ScoredFilm>(table, { columns: true }).filter((row) => row.source === 'small');
  const files = scored.map((row) => path.join(scratch, 'films/small', row.label, row.film));
  assert.ok(files.length >= 3, 'the drawn films have a held-back part');

  const command = [path.join(root, 'bin/deep-health.mjs'), 'classify', '--json', '--model', model, ...files];
  const { stdout } = await run(process.execPath, command, { maxBuffer: 1 << 26 });
  const classified = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Classified);
  assert.equal(classified.length, scored.length);
  for (const row of scored) {
    const answer = classified.find((one) => path.basename(one.file) === row.film);
    assert.ok(answer, `${row.film} was read`);
    assert.equal(answer.model.version, '0.0.0');
    // Tensors of both sides agree to 2e-7, which may round one value of the int8 network to the next level. The twelve
    // films here may calibrate to a temperature that makes anything of that, so it is taken out again.
    const here = uncalibrated(
      LABELS.map((label) => answer.probabilities[label] ?? Number.NaN),
      manifest.calibration.temperature,
    );
    const inTraining = softmax([row.normal, row.bacterial, row.viral].map(Number));
    for (const [index, label] of LABELS.entries())
      assert.ok(
        Math.abs((here[index] ?? Number.NaN) - (inTraining[index] ?? Number.NaN)) < 0.02,
        `${row.film} ${label}: ${here[index]} here, ${inTraining[index]} in training`,
      );
  }
});
