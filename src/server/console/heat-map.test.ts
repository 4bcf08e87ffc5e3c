import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reading } from '../../../test/fixtures/readings.ts';
import { heatmapFrame } from '../../ai/heatmap/heatmap.ts';
import { LEGEND_LANGUAGES } from '../../ai/heatmap/legend.ts';
import { filmInHeatmap } from './heat-map.ts';

test('the film is found in a heat map of any language, whatever is configured by now', () => {
  const said = reading({ applicability: { status: 'out', reasons: [] } });
  for (const picture of [
    { width: 800, height: 1000 },
    { width: 500, height: 1000 },
    { width: 1000, height: 600 },
  ]) {
    for (const language of LEGEND_LANGUAGES) {
      const map = { label: 'bacterial-pneumonia' } as const;
      const drawn = heatmapFrame({ picture, map, reading: said, longSide: 1024, language });
      assert.deepEqual(filmInHeatmap(drawn, picture, said, [1024]), drawn.film, language);
    }
  }
});
