import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { test } from 'node:test';
import { createAccess } from './access.ts';

const access = createAccess({
  users: [{ name: 'reader', password: 'päss:word 1' }],
  tokens: [{ name: 'orthanc', token: 'abcdefghijklmnop' }],
});
const signIn = (authorization?: string) =>
  access.signIn({ headers: authorization === undefined ? {} : { authorization } });
const basic = (text: string) => `Basic ${Buffer.from(text, 'utf8').toString('base64')}`;

test('a user with the password and a token get in by name, with colons and umlauts', () => {
  assert.equal(signIn(basic('reader:päss:word 1')), 'reader');
  assert.equal(signIn('Bearer abcdefghijklmnop'), 'orthanc');
  assert.equal(signIn('bearer abcdefghijklmnop'), 'orthanc');
});

test('everything else is refused', () => {
  for (const wrong of [
    undefined,
    '',
    'Basic',
    'Basic =',
    basic('reader:'),
    basic(':'),
    basic('reader:päss:word 2'),
    basic('orthanc:abcdefghijklmnop'),
    'Bearer ',
    'Bearer abcdefghijklmno',
    `Bearer ${'a'.repeat(100_000)}`,
    'Digest abcdefghijklmnop',
  ]) {
    assert.equal(signIn(wrong), undefined, wrong?.slice(0, 40));
  }
});

test('without users and tokens everybody gets in, nameless (config then allows a loopback address only)', () => {
  assert.equal(createAccess({ users: [], tokens: [] }).signIn({ headers: {} }), null);
});

test('secrets are compared as digests in constant time, each of them whichever matches', (t) => {
  const { timingSafeEqual } = crypto;
  const compared: number[][] = [];
  t.mock.method(crypto, 'timingSafeEqual', (a: Buffer, b: Buffer) => {
    compared.push([a.length, b.length]);
    return timingSafeEqual(a, b);
  });
  syncBuiltinESMExports();
  const users = ['first', 'second', 'third'].map((name) => ({ name, password: `password of ${name}` }));
  const access = createAccess({ users, tokens: [] });
  const basic = (pair: string) =>
    access.signIn({ headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } });
  const cases = [
    ['first:password of first', 'first'],
    ['third:password of third', 'third'],
    ['first:password of firsu', undefined],
    ['nobody:x', undefined],
    [`first:${'x'.repeat(2000)}`, undefined],
  ] as const;
  try {
    for (const [pair, user] of cases) {
      compared.length = 0;
      assert.equal(basic(pair), user);
      // As many comparisons of as many bytes, whatever was given.
      assert.deepEqual(compared, Array(users.length).fill([32, 32]));
    }
  } finally {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  }
});
