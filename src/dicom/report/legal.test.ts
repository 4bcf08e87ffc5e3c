import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cut, legalValue, withoutControls } from './legal.ts';

function legal(vr: string, value: string, whenLong: 'cut' | 'omit' = 'cut') {
  return legalValue(vr, value, whenLong)?.value ?? null;
}

test('dates and times of old systems become legal, impossible ones are refused', () => {
  assert.equal(legal('DA', '2026.03.01'), '20260301');
  assert.equal(legal('DA', '20260230'), null);
  assert.equal(legal('DA', '19990000'), null);
  assert.equal(legal('DA', '1.1.2020'), null);
  assert.equal(legal('TM', '10:15:00'), '101500');
  assert.equal(legal('TM', '101500.1234567'), '101500.123456');
  assert.equal(legal('TM', '10'), '10');
  assert.equal(legal('TM', '2561'), null);
});

test('a description is cut between characters as people see them, an identifier is left out', () => {
  const long = `${'x'.repeat(60)}👩‍👩‍👧‍👦 and more`;
  assert.equal(legal('LO', long), 'x'.repeat(60));
  assert.equal(legal('LO', 'y'.repeat(65), 'omit'), null);
  assert.equal(legal('SH', 'ACCESSION-NUMBER-OF-MORE', 'omit'), null);
});

test('length is counted in characters: a value that is short enough is left whole whatever its bytes', () => {
  const name = '山'.repeat(64);
  assert.deepEqual(legalValue('PN', { Alphabetic: 'A', Ideographic: name }, 'cut'), {
    value: { Alphabetic: 'A', Ideographic: name },
    changed: false,
  });
  assert.equal(cut('ü'.repeat(64), 64), 'ü'.repeat(64));
});

test('what has to be cut also fits in as many bytes', () => {
  assert.ok(Buffer.byteLength(cut('ü'.repeat(65), 64)) <= 64);
});

test('control characters never get through, and an identifier that holds one is left out', () => {
  assert.equal(legal('LO', 'a\u0000\u001bb'), 'a b');
  assert.equal(legal('LO', 'a\u0000b', 'omit'), null);
  assert.equal(withoutControls('one\ntwo\r\nthree\u000b', 'lines'), 'one\r\ntwo\r\nthree ');
  assert.equal(withoutControls('half \ud83d', 'none'), 'half \ufffd');
});

test('a name has at most five components a group, and three groups of 64 characters', () => {
  assert.deepEqual(legalValue('PN', { Alphabetic: 'a^b^c^d^e^f^g' }, 'cut'), {
    value: { Alphabetic: 'a^b^c^d^e f g' },
    changed: true,
  });
  const made = legalValue('PN', 'A^B=山田^太郎=やまだ^たろう', 'cut');
  assert.deepEqual(made, {
    value: { Alphabetic: 'A^B', Ideographic: '山田^太郎', Phonetic: 'やまだ^たろう' },
    changed: false,
  });
  assert.equal(legalValue('PN', { Alphabetic: '^^' }, 'cut'), null);
});

test('a megabyte of text is cut at once', () => {
  assert.equal(String(legal('LO', 'z'.repeat(1_000_000))).length, 64);
  assert.equal([...String(legal('LT', 'é'.repeat(1_000_000)))].length, 5120);
});
