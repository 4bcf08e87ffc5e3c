import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DicomDataset } from '../dicom/dataset.ts';
import { ageOf } from './age.ts';
import { applicabilityOf, type FilmOrigin } from './applicability.ts';

const population = { ageYears: [1, 5] as const, views: ['AP'], description: 'children' };

function header(values: {
  birth?: string;
  study?: string;
  age?: string;
  modality?: string;
  ratio?: string;
}): DicomDataset {
  return {
    '00100030': { vr: 'DA', Value: values.birth ? [values.birth] : [] },
    '00080020': { vr: 'DA', Value: values.study ? [values.study] : [] },
    '00101010': { vr: 'AS', Value: values.age ? [values.age] : [] },
    '00080060': { vr: 'CS', Value: [values.modality ?? 'DX'] },
    ...(values.ratio ? { '00282112': { vr: 'DS', Value: [values.ratio] } } : {}),
  };
}

function film(dataset: DicomDataset, changes: Partial<FilmOrigin> = {}): FilmOrigin {
  return { kind: 'dicom', dataset, view: 'AP', rows: 2000, columns: 1800, ...changes };
}

const codes = (origin: FilmOrigin) => {
  const { status, reasons } = applicabilityOf(origin, population);
  return [status, ...reasons.map((reason) => reason.code)];
};

test('age counts completed years between birth and study, before anything else', () => {
  assert.equal(ageOf(header({ birth: '20200316', study: '20240315', age: '030Y' })), 3);
  assert.equal(ageOf(header({ birth: '20200315', study: '20240315' })), 4);
});

test('age falls back to PatientAge in its units when a date is missing, unknown or impossible', () => {
  assert.equal(ageOf(header({ age: '004Y' })), 4);
  assert.equal(ageOf(header({ birth: '19000101', study: '20240315', age: '5Y' })), 5);
  assert.equal(ageOf(header({ birth: '20250101', study: '20240315', age: '018M' })), 1.5);
  assert.ok((ageOf(header({ age: '010D' })) ?? 1) < 0.1);
  assert.equal(ageOf(header({ birth: '20241301', study: '20240315' })), undefined);
  assert.equal(ageOf(header({ age: 'ABC' })), undefined);
});

test('a child of the trained age on an AP film is in the population', () => {
  assert.deepEqual(codes(film(header({ birth: '20200101', study: '20240315' }))), ['in']);
  assert.deepEqual(codes(film(header({ age: '005Y' }))), ['in']);
  assert.deepEqual(codes(film(header({ birth: '20180316', study: '20240315' }))), ['in'], 'a day before six');
});

test('other ages and projections are out, unknown ones are unknown, and out wins', () => {
  assert.deepEqual(codes(film(header({ age: '006Y' }))), ['out', 'age-outside']);
  assert.deepEqual(codes(film(header({ age: '011M' }))), ['out', 'age-outside']);
  assert.deepEqual(codes(film(header({}))), ['unknown', 'age-unknown']);
  assert.deepEqual(codes(film(header({ age: '004Y' }), { view: 'PA' })), ['out', 'view-other']);
  assert.deepEqual(codes(film(header({ age: '004Y' }), { view: 'frontal' })), ['unknown', 'view-unknown']);
  assert.deepEqual(codes(film(header({}), { view: 'PA' })), ['out', 'age-unknown', 'view-other']);
});

test('a picture file, another modality, a tiny film and strong compression are named', () => {
  assert.deepEqual(codes(film({}, { kind: 'picture', view: 'unknown' })), [
    'unknown',
    'age-unknown',
    'view-unknown',
    'no-header',
  ]);
  assert.deepEqual(codes(film(header({ age: '004Y', modality: 'OT' }))), ['unknown', 'modality-other']);
  assert.deepEqual(codes(film(header({ age: '004Y' }), { rows: 224 })), ['unknown', 'film-small']);
  assert.deepEqual(codes(film(header({ age: '004Y', ratio: '40.5' }))), ['unknown', 'lossy-ratio']);
});
