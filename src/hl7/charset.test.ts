import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHARSETS, type Charset, textEncoding } from './charset.ts';

test('each set encodes what it holds so that a decoder of that set reads the same', () => {
  const samples: Partial<Record<Charset, string>> = {
    'UTF-8': 'Müller 山田 👩‍👩‍👧',
    'ISO-8859-1': 'Müller ÿ§',
    'ISO-8859-2': 'Dvořák Łódź',
    'ISO-8859-5': 'Люксембург',
    'ISO-8859-7': 'Διονύσιος',
    'ISO-8859-15': 'Škoda œ €',
    'US-ASCII': 'plain',
  };
  for (const [charset, sample] of Object.entries(samples) as [Charset, string][]) {
    const encoding = textEncoding(charset);
    assert.ok(encoding.covers(sample), charset);
    const label = charset === 'US-ASCII' ? 'utf-8' : charset;
    assert.equal(new TextDecoder(label).decode(encoding.encode(encoding.fit(sample))), sample);
  }
});

test('what a set lacks becomes its base letters, else a question mark, never another letter', () => {
  assert.equal(textEncoding('ISO-8859-1').fit('Dvořák 山 “x” Łódź'), 'Dvorák ? ?x? ?ódz');
  assert.equal(textEncoding('US-ASCII').fit('Müller Ελ'), 'Muller ??');
});

test('no Windows code page is mistaken for an ISO one', () => {
  assert.equal(textEncoding('ISO-8859-1').covers('€'), false);
  assert.equal(textEncoding('ISO-8859-9').covers('€'), false);
  assert.deepEqual([...textEncoding('ISO-8859-1').encode('é')], [0xe9]);
});

test('half of a surrogate pair is replaced, not passed on', () => {
  assert.equal(textEncoding('UTF-8').fit('a\ud83d'), 'a\ufffd');
});

test('every set has a name of HL7 table 0211', () => {
  for (const name of Object.values(CHARSETS)) assert.match(name, /^(8859\/\d+|UNICODE UTF-8|ASCII)$/);
});
