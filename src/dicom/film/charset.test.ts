import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasPydicom, python } from '../../../test/fixtures/dicom.ts';
import { characterSets } from './charset.ts';

const ESC = '\x1b';

/** Bytes given as a string of their code points. */
function decode(sets: readonly string[], bytes: string, name = true) {
  return characterSets(sets).decode(Buffer.from(bytes, 'latin1'), name);
}

/** Names of PS3.5 annexes H to K and of its single-byte sets: character sets, stored bytes, what is meant. */
const NAMES: readonly (readonly [readonly string[], string, string])[] = [
  [
    ['', 'ISO 2022 IR 87'],
    `Yamada^Tarou=${ESC}$B;3ED${ESC}(B^${ESC}$BB@O:${ESC}(B=${ESC}$B$d$^$@${ESC}(B^${ESC}$B$?$m$&${ESC}(B`,
    'Yamada^Tarou=山田^太郎=やまだ^たろう',
  ],
  [
    ['ISO 2022 IR 13', 'ISO 2022 IR 87'],
    `\xd4\xcf\xc0\xde^\xc0\xdb\xb3=${ESC}$B;3ED${ESC}(J^${ESC}$BB@O:${ESC}(J=${ESC}$B$d$^$@${ESC}(J^${ESC}$B$?$m$&${ESC}(J`,
    'ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう',
  ],
  [
    ['', 'ISO 2022 IR 149'],
    `Hong^Gildong=${ESC}$)C\xfb\xf3^${ESC}$)C\xd1\xce\xd4\xd7=${ESC}$)C\xc8\xab^${ESC}$)C\xb1\xe6\xb5\xbf`,
    'Hong^Gildong=洪^吉洞=홍^길동',
  ],
  [['GB18030'], 'Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab', 'Wang^XiaoDong=王^小东'],
  [['GBK'], 'Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab', 'Wang^XiaoDong=王^小东'],
  [['ISO_IR 192'], 'Wang^XiaoDong=\xe7\x8e\x8b^\xe5\xb0\x8f\xe6\x9d\xb1', 'Wang^XiaoDong=王^小東'],
  [
    ['', 'ISO 2022 IR 58'],
    `Zhang^XiaoDong=${ESC}$)A\xd5\xc5^${ESC}$)A\xd0\xa1\xb6\xab=`,
    'Zhang^XiaoDong=张^小东=',
  ],
  [['ISO_IR 100'], 'Buc^J\xe9r\xf4me', 'Buc^Jérôme'],
  [['ISO_IR 101'], 'Wa\xb3\xeasa', 'Wałęsa'],
  [['ISO_IR 109'], '\xe6u', 'ĉu'],
  [['ISO_IR 110'], 'b\xe7r', 'bįr'],
  [['ISO_IR 144'], '\xbb\xee\xda\x63\x65\xdc\xd1\x79\x70\xd3', 'Люкceмбypг'],
  [['ISO_IR 127'], '\xe2\xc8\xc7\xe6\xea^\xe4\xe6\xd2\xc7\xd1', 'قباني^لنزار'],
  [['ISO_IR 126'], '\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2', 'Διονυσιος'],
  [['ISO_IR 138'], '\xf9\xf8\xe5\xef^\xe3\xe1\xe5\xf8\xe4', 'שרון^דבורה'],
  [['ISO_IR 148'], '\xc7avu\xfeo\xf0lu', 'Çavuşoğlu'],
  [['ISO_IR 203'], 'No\xebl\xa4', 'Noël€'],
  [['ISO_IR 13'], '\xd4\xcf\xc0\xde^\xc0\xdb\xb3', 'ﾔﾏﾀﾞ^ﾀﾛｳ'],
  [['ISO_IR 166'], '\xca\xc1\xaa\xd2\xc2', 'สมชาย'],
  // Several single-byte sets at once, by escapes into G1.
  [
    ['ISO 2022 IR 100', 'ISO 2022 IR 144', 'ISO 2022 IR 126'],
    `J\xe9r\xf4me^${ESC}-L\xbb\xee\xda^${ESC}-F\xc4\xe9`,
    'Jérôme^Люк^Δι',
  ],
  // JIS X 0212 beside JIS X 0208.
  [['', 'ISO 2022 IR 87', 'ISO 2022 IR 159'], `A=${ESC}$B;3${ESC}$(DD-${ESC}(B`, 'A=山棭'],
];

test('names of PS3.5 annexes H to K come out as they are meant', () => {
  for (const [sets, bytes, meant] of NAMES) {
    assert.deepEqual(decode(sets, bytes), { text: meant, trust: 'exact' }, sets.join('\\'));
  }
});

test('pydicom reads the same names from the same bytes', (t) => {
  if (!hasPydicom) return t.skip('python3-pydicom is not installed');
  // It knows no Latin-9, and leaves the escape sequences of GB 2312 in.
  const known = NAMES.filter(([sets]) => !sets.includes('ISO_IR 203') && !sets.includes('ISO 2022 IR 58'));
  const theirs = python(
    `
import json, sys
from pydicom.charset import convert_encodings
from pydicom.valuerep import PersonName
print(json.dumps([str(PersonName(bytes(n), convert_encodings(s)).decode()) for s, n in json.load(sys.stdin)]))`,
    known.map(([sets, bytes]) => [sets, [...Buffer.from(bytes, 'latin1')]]),
  );
  assert.deepEqual(
    known.map(([sets, bytes]) => decode(sets, bytes).text.replace(/=+$/, '')),
    (theirs as string[]).map((name) => name.replace(/=+$/, '')),
  );
});

test('delimiters bring back the sets of value 1, in names also ^ and =', () => {
  // Without the reset the second part would still be JIS X 0208.
  const twoValues = `${ESC}$B;3ED${ESC}(B\\;3ED`;
  assert.equal(decode(['', 'ISO 2022 IR 87'], twoValues, false).text, '山田\\;3ED');
  const cyrillic = `${ESC}-L\xbb^\xe9`;
  assert.equal(decode(['ISO 2022 IR 100', 'ISO 2022 IR 144'], cyrillic, true).text, 'Л^é');
  assert.equal(decode(['ISO 2022 IR 100', 'ISO 2022 IR 144'], cyrillic, false).text, 'Л^щ');
  assert.equal(decode(['ISO 2022 IR 100', 'ISO 2022 IR 144'], `${ESC}-L\xbb\r\n\xe9`, false).text, 'Л\r\né');
});

test('a backslash or caret as second byte of a character is no delimiter', () => {
  // 表 is 95 5C in Shift-JIS, 乗 81 5C in GB18030, and 0x5E and 0x5C occur in JIS X 0208 pairs.
  assert.equal(decode(['ISO_IR 13'], '\x95\x5c\\B').text, '表\\B');
  assert.equal(decode(['GB18030'], '\x81\x5c\\B').text, '乗\\B');
  const pair = decode(['', 'ISO 2022 IR 87'], `${ESC}$B0\\0^${ESC}(B^B`);
  assert.equal(pair.text.length, 4);
  assert.equal(pair.trust, 'exact');
});

test('writers that forget the second escape are understood where only one set can be meant', () => {
  const name = `Hong=${ESC}$)C\xfb\xf3^\xd1\xce\xd4\xd7`;
  assert.deepEqual(decode(['', 'ISO 2022 IR 149'], name), { text: 'Hong=洪^吉洞', trust: 'exact' });
});

test('spellings of archives are understood', () => {
  for (const spelling of ['ISO-IR 100', 'ISO IR 100', 'iso_ir_100', ' ISO_IR 100 ', 'ISO 8859-1', 'Latin1']) {
    const { text } = decode([spelling], 'J\xf6rg');
    assert.equal(text, 'Jörg', spelling);
  }
  assert.equal(decode(['UTF-8'], 'J\xc3\xb6rg').text, 'Jörg');
  assert.equal(decode(['ISO_2022_IR_6', 'ISO-2022-IR 87'], `${ESC}$B;3ED${ESC}(B`).text, '山田');
});

test('without a declared set bytes beyond ASCII are read as UTF-8 if they are that, else as Latin-1', () => {
  for (const sets of [[], [''], ['ISO_IR 6']]) {
    assert.deepEqual(decode(sets, 'J\xf6rg'), { text: 'Jörg', trust: 'assumed' });
    assert.deepEqual(decode(sets, 'J\xc3\xb6rg'), { text: 'Jörg', trust: 'assumed' });
    assert.deepEqual(decode(sets, 'Joerg'), { text: 'Joerg', trust: 'exact' });
  }
});

test('what cannot be decoded is told and not dropped', () => {
  assert.deepEqual(decode(['ISO_IR 192'], 'J\xf6rg'), { text: 'J\uFFFDrg', trust: 'damaged' });
  assert.deepEqual(decode(['ISO_IR 999'], 'J\xf6rg'), { text: 'J\uFFFDrg', trust: 'damaged' });
  assert.deepEqual(decode(['ISO_IR 999'], 'Joerg'), { text: 'Joerg', trust: 'exact' });
  assert.equal(decode(['', 'ISO 2022 IR 87'], `A${ESC}%Gx`).trust, 'damaged');
  assert.equal(decode(['', 'ISO 2022 IR 87'], `A${ESC}`).trust, 'damaged');
  assert.equal(decode(['', 'ISO 2022 IR 87'], `${ESC}$B;`).trust, 'damaged');
});
