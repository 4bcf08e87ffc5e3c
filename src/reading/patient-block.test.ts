import assert from 'node:assert/strict';
import { test } from 'node:test';
import { element } from '../dicom/phantom/header.ts';
import { patientBlock } from './patient-block.ts';

const blockOf = (name: string, id: string) =>
  patientBlock({
    '00100010': { vr: 'PN', Value: [{ Alphabetic: name }] },
    '00100020': element('LO', id),
    '00100030': element('DA', '20200102'),
  });

test('names and numbers are kept as the header has them, components apart by commas', () => {
  const { name, id, birthDate, sex, accession } = blockOf('Nguyễn^Thị^^^', 'P-0815');
  assert.deepEqual([name, id, birthDate, sex, accession], ['Nguyễn, Thị', 'P-0815', '20200102', null, null]);
  assert.equal(blockOf('^^^', '').name, null);
  assert.equal(blockOf('כהן^דוד', 'x').name, 'כהן, דוד');
});

test('nothing in a name turns round the digits that stand behind it, ends its line or rings a bell', () => {
  const { name, id } = blockOf('Doe\u202e^J\u2066ohn\u2069\u2069\u200f', '12\u202e34\r\n56\x07\x1b[2J');
  assert.equal(name, 'Doe, John');
  assert.equal(id, '1234 56 [2J');
  assert.equal(blockOf('\u202e\u2067', '\u202e').name, null);
  assert.equal(blockOf('\u202e\u2067', '\u202e').id, null);
});

test('what is long is cut between characters', () => {
  const { name, id } = blockOf('😀'.repeat(100_000), `x${'😀'.repeat(100_000)}`);
  for (const cut of [name, id]) {
    assert.ok(cut !== null && cut.length <= 128 && cut.isWellFormed());
  }
});
