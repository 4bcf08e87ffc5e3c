import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { GrayPicture } from '../dicom/film/film.ts';
import { drawPhantom, type PhantomDrawing } from '../dicom/phantom/draw.ts';
import { type FilmToRead, loadModel, type Model } from './classify.ts';
import { activationMap } from './explain.ts';
import { readModelFolder } from './folder.ts';
import { drawHeatmap } from './heatmap/heatmap.ts';
import { LABELS } from './reading.ts';

const folder = path.resolve(import.meta.dirname, '../../models/pneumonia-inception-v3');

function film(drawing: PhantomDrawing, changes: Partial<FilmToRead> = {}): FilmToRead {
  const { width, height, pixels } = drawPhantom({ ...drawing, bits: 8, width: 640, height: 560 });
  const picture: GrayPicture = { width, height, pixels: Uint8Array.from(pixels) };
  return {
    kind: 'dicom',
    dataset: {
      '00101010': { vr: 'AS', Value: ['004Y'] },
      '00080060': { vr: 'CS', Value: ['DX'] },
    },
    view: 'AP',
    rows: height,
    columns: width,
    picture,
    remarks: [],
    ...changes,
  };
}

/** A child's film on a plate that lost `share` of every side. */
function cutFilm(share: number): FilmToRead {
  const side = 640;
  const { pixels } = drawPhantom({ subject: 'child', bits: 8, width: side, height: side });
  const gone = Math.round(share * side);
  const kept = side - 2 * gone;
  const picture: GrayPicture = {
    width: kept,
    height: kept,
    pixels: Uint8Array.from(
      { length: kept * kept },
      (_, i) => pixels[(gone + Math.floor(i / kept)) * side + gone + (i % kept)] as number,
    ),
  };
  return film({}, { picture, rows: kept, columns: kept });
}

const films = (['normal', 'bacterial', 'viral', 'normal', 'viral'] as const).map((finding, seed) =>
  film({ finding, seed: seed + 1 }),
);

let model: Model;
before(async () => {
  model = await loadModel(folder, { threads: 2 });
});
after(() => model.close());

test('a reading is whole: probabilities that add up to one, an identity, a map that explains the logit', async () => {
  for (const { reading, maps, timings } of await model.read(films)) {
    const sum = LABELS.reduce((total, label) => total + reading.probabilities[label], 0);
    assert.ok(Math.abs(sum - 1) < 1e-9);
    assert.deepEqual(reading.model, model.identity);
    assert.equal(reading.applicability.status, 'in');
    assert.equal(reading.triage, 'off');
    const [map] = maps;
    assert.equal(map.values.length, 64);
    assert.ok(map.box.x1 > map.box.x0 && map.box.y1 > map.box.y0);
    assert.ok(timings.infer > 0);
  }
});

test('a film that shows half of a thorax is called cut in the reasons of its quality, a whole one is not', async () => {
  const [whole, cut] = await model.read([cutFilm(0), cutFilm(0.2)]);
  const reasons = [whole, cut].map((read) => read?.reading.quality.reasons.map(({ code }) => code) ?? []);
  assert.ok(!reasons[0]?.includes('thorax-cut'), String(reasons[0]));
  assert.ok(reasons[1]?.includes('thorax-cut'), String(reasons[1]));
  assert.notEqual(cut?.reading.quality.status, 'diagnostic');
});

test('the mean of the map over what is film is the logit, of whole and of cut films', async () => {
  const { head, manifest } = await readModelFolder(folder);
  for (const one of [films[0] as FilmToRead, cutFilm(0.2)]) {
    const [activations] = await model.activate([one]);
    const [read] = await model.read([one]);
    assert.ok(activations && read);
    const { featureMap, prepared } = activations;
    const shares = [...prepared.cells];
    const all = shares.reduce((sum, share) => sum + share, 0);
    const logits = LABELS.map((label) => {
      const { values } = activationMap(head, label, featureMap, 8, 8, prepared.box);
      return shares.reduce((sum, share, i) => sum + share * (values[i] as number), 0) / all;
    });
    const powers = logits.map((logit) => Math.exp(logit / manifest.calibration.temperature));
    const whole = powers.reduce((sum, power) => sum + power, 0);
    for (const [i, label] of LABELS.entries()) {
      assert.ok(Math.abs((powers[i] as number) / whole - read.reading.probabilities[label]) < 1e-5);
    }
  }
});

test('the same film gives the same bytes, alone or in a batch', async () => {
  const alone = [];
  for (const one of films) alone.push(...(await model.read([one])));
  const together = await model.read(films);
  for (const [i, { reading, maps }] of together.entries()) {
    assert.deepEqual(reading, alone[i]?.reading);
    assert.deepEqual(maps, alone[i]?.maps);
  }
  const [first] = together;
  assert.ok(first);
  const [again] = await model.read(films);
  assert.ok(again);
  const picture = (films[0] as FilmToRead).picture;
  assert.deepEqual(
    drawHeatmap({ picture, map: first.maps[0], reading: first.reading }),
    drawHeatmap({ picture, map: again.maps[0], reading: again.reading }),
  );
});

test('calls that come at once are answered in order, each with its own films', async () => {
  const apart = await Promise.all(films.map((one) => model.read([one])));
  const together = await model.read(films);
  assert.deepEqual(
    apart.map(([one]) => one?.reading),
    together.map(({ reading }) => reading),
  );
});

test('both engines say the same within a thousandth, and their maps agree', async () => {
  const second = await loadModel(folder, { engine: 'tfjs' });
  try {
    assert.match(second.backend, /^tfjs (wasm|tensorflow)$/);
    const wanted = await model.read(films);
    for (const [i, { reading, maps }] of (await second.read(films)).entries()) {
      const other = wanted[i];
      assert.ok(other);
      for (const label of LABELS) {
        const apart = Math.abs(reading.probabilities[label] - other.reading.probabilities[label]);
        assert.ok(apart < 1e-3, `film ${i}, ${label}: ${apart}`);
      }
      assert.equal(maps[0].label, other.maps[0].label);
      for (const [cell, value] of maps[0].values.entries()) {
        assert.ok(Math.abs(value - (other.maps[0].values[cell] as number)) < 0.02);
      }
    }
  } finally {
    await second.close();
  }
});

test('age unknown, another projection and a doubtful polarity are read and flagged', async () => {
  const [read] = await model.read([
    film(
      { finding: 'bacterial' },
      { dataset: {}, view: 'PA', remarks: [{ code: 'polarity', message: 'The film looks inverted.' }] },
    ),
  ]);
  assert.ok(read);
  assert.equal(read.reading.applicability.status, 'out');
  assert.ok(read.reading.applicability.reasons.some((reason) => reason.code === 'age-unknown'));
  assert.notEqual(read.reading.quality.status, 'diagnostic');
});

test('a site can have films outside of the population abstained from', async () => {
  const strict = await loadModel(folder, { outOfPopulation: 'abstain' });
  try {
    const [read] = await strict.read([film({}, { view: 'PA' })]);
    assert.equal(read?.reading.label, null);
    assert.equal(read?.reading.pneumonia, 'undetermined');
    assert.match(read?.reading.abstained?.code ?? '', /^(out-of-population|quality)$/);
  } finally {
    await strict.close();
  }
});

test('an empty list of films is an empty list of readings', async () => {
  assert.deepEqual(await model.read([]), []);
});
