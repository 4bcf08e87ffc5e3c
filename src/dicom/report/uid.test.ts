import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeepHealthError } from '../../errors/error.ts';
import { CODING_SCHEMES } from './codes.ts';
import { IMPLEMENTATION_CLASS_UID } from './part10.ts';
import { hashedUid, isUid } from './uid.ts';

test('the same parts give the same UID, other parts another, and their borders count', () => {
  assert.equal(hashedUid('a', 'b'), hashedUid('a', 'b'));
  assert.notEqual(hashedUid('a', 'b'), hashedUid('ab'));
  assert.notEqual(hashedUid('a', 'b'), hashedUid('b', 'a'));
});

test('a UID is the decimal of a UUID of version 5 and RFC 9562 variant, at most 44 characters', () => {
  for (let index = 0; index < 200; index += 1) {
    const uid = hashedUid('test', String(index));
    assert.ok(isUid(uid) && uid.length <= 44);
    const uuid = BigInt(uid.slice('2.25.'.length)).toString(16).padStart(32, '0');
    assert.match(uuid, /^[0-9a-f]{12}5[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
    assert.equal(String(BigInt(uid.slice(5))), uid.slice(5), 'no leading zero');
  }
});

test('a part cannot bring the separator along', () => {
  assert.throws(() => hashedUid('a\u001fb'), DeepHealthError);
});

test('the UIDs written down in the source are the hashes they are said to be', () => {
  assert.equal(IMPLEMENTATION_CLASS_UID, hashedUid('implementation'));
  assert.equal(CODING_SCHEMES.get('99DEEPHEALTH')?.uid, hashedUid('coding-scheme', '99DEEPHEALTH'));
});

test('UIDs with leading zeros, which archives hold, can be referred to; other texts cannot', () => {
  assert.ok(isUid('1.2.840.00012.5'));
  for (const text of ['', '1', '1..2', '1.2.', '1.2.a', `1.${'2'.repeat(63)}`, '1.2\n'])
    assert.ok(!isUid(text));
});
