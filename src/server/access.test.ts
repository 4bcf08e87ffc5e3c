import assert from 'node:assert/strict';
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
