/** Which of several reports the OHIF layout that admins get puts beside the film. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';

interface DisplaySet {
  readonly SeriesDescription: string;
  readonly SeriesNumber: number;
  readonly instances: readonly { readonly ContentDate: string; readonly ContentTime: string }[];
}

type Attribute = (set: DisplaySet, options: { readonly displaySets: readonly DisplaySet[] }) => boolean;

/** The custom attributes that the config file registers, as OHIF calls them. */
async function attributes(): Promise<Map<string, Attribute>> {
  const source = await readFile(new URL('../../deploy/ohif/app-config.js', import.meta.url), 'utf8');
  const window: { config?: { extensions: { preRegistration(services: object): void }[] } } = {};
  runInNewContext(source, { window });
  const found = new Map<string, Attribute>();
  const hangingProtocolService = {
    addCustomAttribute: (id: string, _name: string, attribute: Attribute) => found.set(id, attribute),
  };
  for (const extension of window.config?.extensions ?? [])
    extension.preRegistration({ servicesManager: { services: { hangingProtocolService } } });
  return found;
}

function report(SeriesNumber: number, ContentTime: string): DisplaySet {
  const SeriesDescription = 'AI report to read - chest film, not for primary diagnosis';
  return { SeriesDescription, SeriesNumber, instances: [{ ContentDate: '20261123', ContentTime }] };
}

test('the report of the last reading is shown, also when both were made within one second', async () => {
  const newest = (await attributes()).get('newestOfItsKind');
  assert.ok(newest);
  const shown = (...displaySets: DisplaySet[]) =>
    displaySets.filter((set) => newest(set, { displaySets })).map(({ SeriesNumber }) => SeriesNumber);
  assert.deepEqual(shown(report(9900, '014715'), report(9910, '014716')), [9910]);
  assert.deepEqual(shown(report(9900, '014715'), report(9910, '014715')), [9910]);
  assert.deepEqual(shown(report(9990, '014715'), report(10000, '014715')), [10000]);
  assert.deepEqual(shown(report(9900, '014716'), report(9910, '014715')), [9900]);
});
