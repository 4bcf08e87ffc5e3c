import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { createAccess } from './access.ts';
import { clientOf } from './client-address.ts';
import { createShares, halfEach } from './shares.ts';
import { createSignIn } from './sign-in.ts';

const LIMITS = { free: 3, firstMs: 1_000, longestMs: 4_000, forgetMs: 60_000 };
const PASSWORD = 'correct horse';
const TOKEN = 'a-token-of-some-length';

function desk() {
  let time = 0;
  const access = createAccess({
    users: [{ name: 'reader', password: PASSWORD }],
    tokens: [{ name: 'orthanc', token: TOKEN }],
  });
  const signIn = createSignIn(
    () => access,
    LIMITS,
    () => time,
  );
  return {
    pass(milliseconds: number) {
      time += milliseconds;
    },
    basic: (name: string, password: string, remoteAddress = '10.0.0.1') =>
      signIn(request(`Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`, remoteAddress)),
    bearer: (token: string, remoteAddress = '10.0.0.1') => signIn(request(`Bearer ${token}`, remoteAddress)),
    nothing: () => signIn(request(undefined, '10.0.0.1')),
  };
}

function request(authorization: string | undefined, remoteAddress: string): IncomingMessage {
  const headers = authorization === undefined ? {} : { authorization };
  return { headers, socket: { remoteAddress } } as unknown as IncomingMessage;
}

test('after a few wrong passwords even the right one has to wait, longer each time', () => {
  const { basic, pass } = desk();
  for (const guess of ['one', 'two', 'three']) assert.equal(basic('reader', guess).kind, 'refused');
  const held = basic('reader', PASSWORD);
  assert.deepEqual(held, { kind: 'held-back', seconds: 1, first: true });
  assert.deepEqual(basic('reader', PASSWORD), { kind: 'held-back', seconds: 1, first: false });
  for (const seconds of [2, 4, 4]) {
    pass(4_000);
    assert.equal(basic('reader', `guess ${seconds} ${Math.random()}`).kind, 'refused');
    assert.equal((basic('reader', PASSWORD) as { seconds: number }).seconds, seconds);
  }
  pass(4_000);
  assert.deepEqual(basic('reader', PASSWORD), { kind: 'in', user: 'reader' });
});

test('somebody else, from elsewhere, or with a token, does not wait with the guesser', () => {
  const { basic, bearer } = desk();
  for (const guess of ['one', 'two', 'three', 'four']) basic('reader', guess);
  assert.equal(basic('reader', PASSWORD).kind, 'held-back');
  assert.equal(basic('reader', PASSWORD, '10.0.0.2').kind, 'in');
  assert.equal(bearer(TOKEN).kind, 'in');
  assert.equal(basic('nobody', 'x').kind, 'refused');
});

test('a machine that sends the same old token for ever holds up nobody behind its proxy', () => {
  const { bearer } = desk();
  for (let i = 0; i < 1000; i += 1) assert.equal(bearer('the-token-of-last-year').kind, 'refused');
  assert.equal(bearer(TOKEN).kind, 'in');
});

test('no credentials are no guess, and guesses are forgotten after a while', () => {
  const { basic, nothing, pass } = desk();
  for (let i = 0; i < 100; i += 1) assert.equal(nothing().kind, 'refused');
  for (const guess of ['one', 'two']) basic('reader', guess);
  pass(LIMITS.forgetMs + 1);
  for (const guess of ['three', 'four']) assert.equal(basic('reader', guess).kind, 'refused');
  assert.equal(basic('reader', PASSWORD).kind, 'in');
});

test('ten thousand names tried at once leave no more than that in memory, and the last are known', () => {
  const { basic } = desk();
  for (let i = 0; i < 10_050; i += 1) basic(`name ${i}`, 'x');
  for (const guess of ['one', 'two', 'three']) basic('reader', guess);
  assert.equal(basic('reader', PASSWORD).kind, 'held-back');
});

test('a client is an IPv4 address, or the network of an IPv6 one', () => {
  const client = (remoteAddress: string) => clientOf({ remoteAddress });
  assert.equal(client('::ffff:10.1.2.3'), '10.1.2.3');
  assert.equal(client('2001:db8:1:2:3:4:5:6'), client('2001:db8:1:2:ffff::1'));
  assert.notEqual(client('2001:db8:1:2::1'), client('2001:db8:1:3::1'));
  assert.equal(client('fe80::1%eth0'), client('fe80::2'));
  assert.equal(client('::1'), '0:0:0:0');
});

test('one client has half of the places, and they come back once', () => {
  const shares = halfEach(4);
  const [first, second] = [shares.take('a'), shares.take('a')];
  assert.ok(first && second);
  assert.equal(shares.take('a'), undefined);
  assert.ok(shares.take('b') && shares.take('c'));
  assert.equal(shares.take('d'), undefined);
  first();
  first();
  assert.ok(shares.take('d'));
  assert.equal(shares.take('e'), undefined);
  assert.ok(createShares(1, 1).take('a'));
});
