import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configSchema } from '../config/schema.ts';
import { archivesOf, type MadeObject, planDeliveries, receiversOf } from './plan-deliveries.ts';

const PACS = [
  { name: 'main', url: 'http://main/dicom-web' },
  { name: 'research', url: 'http://research/dicom-web' },
  { name: 'source-only', url: 'http://source/dicom-web', store: false },
];
const RIS = [{ name: 'ris', host: 'ris', port: 2575 }];
const made: MadeObject[] = [
  { key: 'text', kind: 'sr-text' },
  { key: 'air', kind: 'sr-air' },
  { key: 'map', kind: 'heat-map' },
];
const pushed = { kind: 'receive', pacs: null } as const;

test('heat maps go before the reports, and the message waits for every report', () => {
  const config = configSchema.parse({ pacs: PACS.slice(0, 1), ris: RIS });
  const plan = planDeliveries([...made, { key: 'oru', kind: 'oru', receiver: 'ris' }], config, pushed);
  assert.deepEqual(
    plan.map(({ destination, object }) => `${destination}: ${object}`),
    ['main: map', 'main: text', 'main: air', 'ris: oru'],
  );
  const keys = new Map(plan.map(({ key, object }) => [object, key]));
  assert.deepEqual(plan.at(-1)?.after, [keys.get('text'), keys.get('air')]);
});

test('a message waits for the first archive only: a second one that is down holds up no RIS', () => {
  const config = configSchema.parse({ pacs: PACS.slice(0, 2), ris: RIS });
  const plan = planDeliveries([...made, { key: 'oru', kind: 'oru', receiver: 'ris' }], config, pushed);
  assert.equal(plan.filter(({ destination }) => destination === 'research').length, 3);
  assert.ok(plan.at(-1)?.after?.every((key) => key.startsWith('main ')));
});

test('a study goes back to the archive it came from, a pushed one to all that take results', () => {
  const config = configSchema.parse({ pacs: PACS });
  assert.deepEqual(archivesOf(config, { kind: 'poll', pacs: 'research' }), ['research']);
  assert.deepEqual(archivesOf(config, pushed), ['main', 'research']);
  assert.deepEqual(archivesOf(config, { kind: 'poll', pacs: 'source-only' }), []);
  const named = configSchema.parse({ pacs: PACS, report: { to: ['main'] } });
  assert.deepEqual(archivesOf(named, { kind: 'poll', pacs: 'research' }), ['main']);
});

test('without a PACS and a RIS everything goes to the outbox', () => {
  const config = configSchema.parse({});
  assert.deepEqual(receiversOf(config, pushed), [null]);
  const plan = planDeliveries([...made, { key: 'oru', kind: 'oru', receiver: null }], config, pushed);
  assert.deepEqual(
    plan.map(({ via, destination, object }) => `${via} ${destination} ${object}`),
    ['folder folder map', 'folder folder text', 'folder folder air', 'folder folder oru'],
  );
  assert.equal(plan.at(-1)?.after?.length, 2);
});

test('with a PACS and no RIS no message is made', () => {
  assert.deepEqual(receiversOf(configSchema.parse({ pacs: PACS.slice(0, 1) }), pushed), []);
});
