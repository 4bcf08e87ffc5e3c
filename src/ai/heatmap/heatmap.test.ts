import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GrayPicture } from '../../dicom/film/film.ts';
import type { Label } from '../reading.ts';
import { colourOf } from './colours.ts';
import { drawText, wrapText } from './font.ts';
import { drawHeatmap, type HeatmapInput } from './heatmap.ts';
import { LEGEND_LANGUAGES, legend, titleOf } from './legend.ts';

function grey(width: number, height: number, value = 100): GrayPicture {
  return { width, height, pixels: new Uint8Array(width * height).fill(value) };
}

/** A map with one hot cell at column 2, row 5 of 8 × 8. */
function input(picture: GrayPicture, changes: Partial<HeatmapInput> = {}): HeatmapInput {
  const values = new Float32Array(64).fill(-3);
  values[5 * 8 + 2] = 9;
  return {
    picture,
    map: {
      label: 'viral-pneumonia',
      width: 8,
      height: 8,
      values,
      box: { x0: 0, y0: 0, x1: picture.width, y1: picture.height },
    },
    reading: reading('viral-pneumonia'),
    ...changes,
  };
}

function reading(label: Label | null): HeatmapInput['reading'] {
  return {
    label,
    pneumonia: label === 'normal' ? 'absent' : label === null ? 'undetermined' : 'present',
    probabilities: { normal: 0.1, 'bacterial-pneumonia': 0.2, 'viral-pneumonia': 0.7 },
    applicability: { status: 'in', reasons: [] },
    model: { name: 'test-model', version: '1.2.3', sha256: 'a'.repeat(64) },
  };
}

/** Whether the drawn film is coloured at a place of the picture, given in fractions. */
function coloured(heatmap: ReturnType<typeof drawHeatmap>, x: number, y: number): boolean {
  const { film, width, rgb } = heatmap;
  const at = ((film.y + Math.floor(y * film.height)) * width + film.x + Math.floor(x * film.width)) * 3;
  return rgb[at] !== rgb[at + 1] || rgb[at] !== rgb[at + 2];
}

for (const [width, height] of [
  [1280, 1000],
  [900, 1800],
  [300, 2400],
  [2400, 300],
  [3000, 2500],
] as const) {
  test(`a film of ${width} × ${height} keeps its ratio and the result its longest side`, () => {
    for (const longSide of [512, 1024, 2048]) {
      const heatmap = drawHeatmap(input(grey(width, height), { longSide }));
      assert.ok(Math.max(heatmap.width, heatmap.height) <= longSide);
      assert.equal(heatmap.rgb.length, heatmap.width * heatmap.height * 3);
      const ratio = heatmap.film.width / heatmap.film.height / (width / height);
      assert.ok(Math.abs(ratio - 1) < 0.03, `ratio ${ratio}`);
    }
  });
}

test('colour lies where the activation is and the rest of the film is left as it was', () => {
  const heatmap = drawHeatmap(input(grey(1000, 1000)));
  assert.ok(coloured(heatmap, 2.5 / 8, 5.5 / 8));
  assert.ok(!coloured(heatmap, 6.5 / 8, 1.5 / 8));
  assert.ok(!coloured(heatmap, 2.5 / 8, 0.5 / 8));
});

test('the map is drawn over its own box of the film', () => {
  const picture = grey(1000, 1000);
  const whole = input(picture);
  const shifted = { ...whole, map: { ...whole.map, box: { x0: 500, y0: 0, x1: 1000, y1: 500 } } };
  const heatmap = drawHeatmap(shifted);
  assert.ok(coloured(heatmap, 0.5 + 2.5 / 16, 5.5 / 16));
  assert.ok(!coloured(heatmap, 2.5 / 8, 5.5 / 8));
});

test('in a film that is reported normal the map of a pneumonia class is fainter', () => {
  const strength = (label: Label | null) => {
    const values = new Float32Array(64).fill(-30);
    values[5 * 8 + 2] = 9;
    const given = input(grey(1000, 1000));
    const heatmap = drawHeatmap({ ...given, map: { ...given.map, values }, reading: reading(label) });
    const { film, width, rgb } = heatmap;
    const at =
      ((film.y + Math.floor((film.height * 5.5) / 8)) * width + film.x + Math.floor((film.width * 2.5) / 8)) *
      3;
    return rgb.subarray(at, at + 3).reduce((sum, channel) => sum + Math.abs(channel - 100), 0);
  };
  assert.ok(strength('viral-pneumonia') > 100);
  assert.ok(strength('normal') < 50);
});

test('the same reading gives the same bytes', () => {
  assert.deepEqual(drawHeatmap(input(grey(777, 555))), drawHeatmap(input(grey(777, 555))));
});

test('the percent of the legend is that of the report, where a share alone would round to another', () => {
  const drawn = (normal: number, bacterial: number, viral: number) =>
    drawHeatmap(
      input(grey(400, 400), {
        reading: {
          ...reading('viral-pneumonia'),
          probabilities: { normal, 'bacterial-pneumonia': bacterial, 'viral-pneumonia': viral },
        },
      }),
    ).rgb;
  // 0.7, 24.4 and 74.8 would make 99.9.
  assert.deepEqual(drawn(0.00722, 0.24433, 0.74845), drawn(0.007, 0.244, 0.749));
  assert.notDeepEqual(drawn(0.00722, 0.24433, 0.74845), drawn(0.007, 0.245, 0.748));
});

test('the legend says what the conclusion says: no film is normal, no share is certain, and who it was not made for', () => {
  const said = (changes: Partial<HeatmapInput['reading']>) =>
    legend(input(grey(400, 400), { reading: { ...reading('viral-pneumonia'), ...changes } }));
  const shares = (normal: number, bacterial: number, viral: number) => ({
    probabilities: { normal, 'bacterial-pneumonia': bacterial, 'viral-pneumonia': viral },
  });
  assert.equal(said({})[0], 'Reported: viral pneumonia (70.0 %)');
  assert.equal(said(shares(0.0001, 0.0001, 0.9998))[0], 'Reported: viral pneumonia (> 99.9 %)');
  const none = said({ label: 'normal', pneumonia: 'absent', ...shares(0.9, 0.04, 0.06) });
  assert.equal(none[0], 'Reported: no sign of pneumonia (probability of normal 90.0 %)');
  assert.equal(none[1], 'Map: activation for viral pneumonia (6.0 %), which is not reported');
  const open = said({ label: null, pneumonia: 'present', ...shares(0.1, 0.44, 0.46) });
  assert.equal(open[0], 'Reported: pneumonia (90.0 %), bacterial or viral undetermined');
  const statusOf = (status: 'in' | 'out' | 'unknown') => said({ applicability: { status, reasons: [] } });
  assert.ok(statusOf('out').includes('The film is outside of the population that the model was made for'));
  assert.ok(statusOf('unknown').includes('It is not known whether the model was made for such a film'));
  assert.equal(statusOf('in').length, statusOf('out').length - 1);
});

test('a heat map speaks the language of the reports, in letters that its font has', () => {
  const drawnAs = (text: string) => {
    const lit: string[] = [];
    drawText(text, (x, y) => lit.push(`${x},${y}`));
    return lit.join(' ');
  };
  const statuses = ['in', 'out', 'unknown'] as const;
  for (const language of LEGEND_LANGUAGES) {
    const lines = statuses.flatMap((status) =>
      [
        reading('normal'),
        reading('viral-pneumonia'),
        { ...reading(null), pneumonia: 'present' as const },
      ].flatMap((said) =>
        legend({
          map: { label: 'bacterial-pneumonia' },
          reading: { ...said, applicability: { status, reasons: [] } },
          language,
        }),
      ),
    );
    for (const letter of [titleOf({ language }), ...lines].join('').replaceAll('?', '')) {
      assert.notEqual(drawnAs(letter), drawnAs('?'), letter);
    }
  }
  const german = legend({
    map: { label: 'viral-pneumonia' },
    reading: reading('viral-pneumonia'),
    language: 'de',
  });
  assert.equal(german[0], 'Ergebnis: virale Pneumonie (70,0 %)');
  assert.equal(titleOf({ language: 'de' }), 'KI-Wärmebild - nicht zur Diagnose');
  const of = (language: 'de' | 'en') => drawHeatmap(input(grey(400, 400), { language })).rgb;
  assert.notDeepEqual(of('de'), of('en'));
});

test('the colour scale gets lighter all the way', () => {
  const luminance = Array.from({ length: 101 }, (_, i) => {
    const [r, g, b] = colourOf(i / 100);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  });
  for (const [i, value] of luminance.entries()) {
    if (i > 0) assert.ok(value >= (luminance[i - 1] as number) - 1, `step ${i}`);
  }
});

test('letters are drawn, and one that the font lacks becomes a question mark', () => {
  const pixels = (text: string) => {
    const lit: string[] = [];
    drawText(text, (x, y) => lit.push(`${x},${y}`));
    return lit;
  };
  for (const letter of ';ABCXYZabcgjpqyxz0123456789.,:()%-') assert.ok(pixels(letter).length > 0, letter);
  assert.deepEqual(pixels('é'), pixels('?'));
});

test('long lines are wrapped between words and never lost', () => {
  assert.deepEqual(wrapText('AI heat map - not for diagnosis', 12), [
    'AI heat map',
    '- not for',
    'diagnosis',
  ]);
  assert.deepEqual(wrapText('pneumoniainceptionv3', 8), ['pneumoni', 'aincepti', 'onv3']);
});
