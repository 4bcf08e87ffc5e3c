/** What becomes of a message by what an independent RIS answers (standards 3.5). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../peers/process.ts';
import { type Ris, type RisMode, risInstalled, startRis } from '../peers/ris.ts';
import { film, risConfig, startDaemon, studyOf, type TestDaemon } from './daemon.ts';

const skip = risInstalled() ? false : 'python3-hl7 is not installed';
let ris: Ris;
let daemon: TestDaemon;

before(async () => {
  if (skip !== false) return;
  ris = await startRis();
  daemon = await startDaemon({ config: { ris: [risConfig(ris, { acknowledgeTimeout: '1 s' })] } });
});

after(async () => {
  await daemon?.remove();
  await ris?.stop();
});

async function pushed(seed: number): Promise<string> {
  const file = film(seed);
  const answer = await daemon.push(file);
  assert.equal(answer.status, 200);
  await answer.body?.cancel();
  return studyOf(file);
}

async function messagesOf(study: string) {
  return (await ris.received()).filter(({ text }) => text.includes(study));
}

async function messageRow(study: string) {
  const row = await daemon.study(study);
  return row?.deliveries.find(({ destination }) => destination === 'ris');
}

const AGAIN: readonly (readonly [RisMode, RegExp])[] = [
  ['AE', /^hl7\.application-error$/],
  ['CE', /^hl7\.commit-error$/],
  ['wrong-id', /^mllp\.wrong-id$/],
  ['nothing', /^mllp\.no-ack$/],
  ['slow:3', /^mllp\.no-ack$/],
  ['half', /^mllp\.(no-ack|garbled)$/],
  ['half+close', /^mllp\.(connection-lost|garbled)$/],
  ['noise', /^mllp\.(garbled|no-ack)$/],
];

for (const [index, [mode, code]] of AGAIN.entries()) {
  test(`${mode}: the same message goes again until it is accepted`, { skip }, async () => {
    await ris.setNext([mode]);
    const study = await pushed(501 + index);
    await daemon.reaches(study, 'delivered');
    const delivery = await messageRow(study);
    assert.equal(delivery?.state, 'sent');
    const attempts = delivery?.attempts ?? 0;
    const messages = await messagesOf(study);
    assert.ok(messages.length >= 2);
    assert.equal(messages[0]?.mode, mode);
    assert.equal(messages.at(-1)?.mode, 'AA');
    assert.equal(new Set(messages.map(({ controlId }) => controlId)).size, 1, 'the message id stays');
    assert.equal(new Set(messages.map(({ text }) => text)).size, 1, 'the bytes stay');
    // A kept connection that breaks just as it is used again costs no attempt.
    if (attempts === 1) return assert.equal(mode, 'half+close');
    const failures = daemon.log.filter(
      ({ msg, destination }) => destination === 'ris' && msg === 'A delivery failed; it is tried again',
    );
    assert.match(String(failures.at(-1)?.code), code);
  });
}

test('a message that is acknowledged to somebody else first is taken when its own acknowledgement comes', {
  skip,
}, async () => {
  await ris.setNext(['wrong-id+AA']);
  const study = await pushed(520);
  await daemon.reaches(study, 'delivered');
  assert.equal((await messagesOf(study)).length, 1);
});

for (const [index, mode] of (['AR', 'CR'] as const).entries()) {
  test(`${mode}: the message is parked at once, seen, and taken up by retry`, { skip }, async () => {
    await ris.setNext([mode]);
    const study = await pushed(530 + index);
    await until('it is parked', async () => (await messageRow(study))?.state === 'parked');
    const parked = await daemon.study(study);
    assert.equal(parked?.state, 'reported');
    const delivery = await messageRow(study);
    assert.equal(delivery?.attempts, 1);
    assert.equal(delivery?.lastFailure?.code, mode === 'AR' ? 'hl7.application-reject' : 'hl7.commit-reject');
    assert.ok(
      parked?.deliveries
        .filter(({ destination }) => destination === 'folder')
        .every(({ state }) => state === 'sent'),
      'the reports were delivered',
    );
    const outcome = (await daemon.api(`/api/studies/${study}/retry`, { body: {} })) as { outcome: string };
    assert.equal(outcome.outcome, 'deliveries');
    await daemon.reaches(study, 'delivered');
    assert.equal(new Set((await messagesOf(study)).map(({ controlId }) => controlId)).size, 1);
  });
}

test('the enhanced mode is closed by the commit and the application acknowledgement', { skip }, async () => {
  await daemon.end();
  await daemon.configure({ ris: [risConfig(ris, { mode: 'enhanced', acknowledgeTimeout: '2 s' })] });
  await daemon.start();
  await ris.setNext(['CA+AA']);
  const study = await pushed(540);
  await daemon.reaches(study, 'delivered');
  const [message, ...more] = await messagesOf(study);
  assert.equal(more.length, 0);
  assert.match(message?.text ?? '', /\|AL\|AL\|/);
});
