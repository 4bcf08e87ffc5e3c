import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { AuditEvents, Peer } from '../observe/audit/events.ts';
import type { AuditInForce } from '../observe/audit/in-force.ts';
import { refusedSignIns } from './refused-sign-ins.ts';

function trail(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const told: string[] = [];
  const events = { refused: (who: Peer, times: number) => told.push(`${who.name} ${times}`) };
  const audit = {
    record: (make: (all: AuditEvents) => unknown) => void make(events as unknown as AuditEvents),
  };
  return {
    told,
    ...refusedSignIns({ audit: audit as unknown as AuditInForce }),
    tick: () => t.mock.timers.tick(60_000),
  };
}

test('a secret that is wrong again and again is told at once, and then how often', (t) => {
  const { told, note, tick } = trail(t);
  for (let time = 0; time < 5000; time++) note({ name: 'router', address: '192.0.2.7' });
  assert.deepEqual(told, ['router 1']);
  tick();
  assert.deepEqual(told, ['router 1', 'router 4999']);
  tick();
  note({ name: 'router', address: '192.0.2.7' });
  assert.deepEqual(told.slice(2), ['router 1'], 'another minute begins anew');
});

test('somebody who makes up names does not fill the trail, and none is lost from the count', (t) => {
  const { told, note, tick } = trail(t);
  for (let name = 0; name < 5000; name++) note({ name: `n${name}`, address: '192.0.2.7' });
  assert.equal(told.length, 30);
  tick();
  assert.deepEqual(told.slice(30), ['several names or addresses 4970']);
});

test('what was counted in the minute before a stop is told at the stop, and once', (t) => {
  const { told, note, tellAll, tick } = trail(t);
  for (let time = 0; time < 7; time++) note({ name: 'router', address: '192.0.2.7' });
  for (let name = 0; name < 40; name++) note({ name: `n${name}`, address: '192.0.2.7' });
  told.length = 0;
  tellAll();
  assert.deepEqual(told, ['router 6', 'several names or addresses 11']);
  tick();
  tellAll();
  assert.equal(told.length, 2);
});
