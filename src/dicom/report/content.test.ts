import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeepHealthError } from '../../errors/error.ts';
import { DCM, SCT, UNITS } from './codes.ts';
import {
  acquiredIn,
  code,
  container,
  contains,
  date,
  image,
  modifiedBy,
  num,
  observedIn,
  polyline,
  text,
  time,
  uidref,
} from './content.ts';
import { encodeTree, referencesOf } from './encode.ts';

const FILM = { sopClassUid: '1.2.840.10008.5.1.4.1.1.1', sopInstanceUid: '1.2.3' };
const SQUARE = [
  [0, 0],
  [9, 0],
  [9, 9],
  [0, 9],
  [0, 0],
] as const;

/** Each makes an item that the standard does not allow. */
const REFUSED: Readonly<Record<string, () => unknown>> = {
  'a text without text': () => text(DCM.comment, ' \u0000 '),
  'a number that is none': () => num(DCM.certaintyOfFinding, 'NaN', UNITS.percent),
  'a number in exponents or with a comma': () => num(DCM.certaintyOfFinding, '9,3', UNITS.percent),
  'a number longer than DS': () => num(DCM.certaintyOfFinding, '0.12345678901234567', UNITS.percent),
  'a code without a value': () => code(DCM.finding, { value: '', scheme: 'SCT', meaning: 'x' }),
  'a designator longer than SH': () =>
    code(DCM.finding, { value: '1', scheme: '9'.repeat(17), meaning: 'x' }),
  'a meaning longer than LO': () => code(DCM.finding, { value: '1', scheme: '99X', meaning: 'x'.repeat(65) }),
  'a meaning with a backslash': () => code(DCM.finding, { value: '1', scheme: '99X', meaning: 'a\\b' }),
  'a concept name with a control character': () => text({ ...DCM.comment, meaning: 'a\nb' }, 'x'),
  'a date that is none': () => date(DCM.studyDate, '2026-03-01'),
  'a time that is none': () => time(DCM.studyTime, '10:15'),
  'a UID that is none': () => uidref(DCM.trackingUid, 'not-a-uid'),
  'an image without an instance': () => image(null, { ...FILM, sopInstanceUid: '' }),
  'an outline that is open': () => polyline(DCM.sourceOfMeasurement, SQUARE.slice(0, 4), image(null, FILM)),
  'an outline outside of the image': () =>
    polyline(
      DCM.sourceOfMeasurement,
      [
        [0, 0],
        [-1, 0],
        [9, 9],
        [0, 0],
      ],
      image(null, FILM),
    ),
  'an outline of no numbers': () =>
    polyline(
      DCM.sourceOfMeasurement,
      [
        [0, 0],
        [Number.NaN, 0],
        [9, 9],
        [0, 0],
      ],
      image(null, FILM),
    ),
};

for (const [what, build] of Object.entries(REFUSED)) {
  test(`${what} cannot be built`, () => {
    assert.throws(
      build,
      (error) => error instanceof DeepHealthError && error.code === 'report.content-invalid',
    );
  });
}

test('relationships that an SR class forbids do not compile', () => {
  const finding = code(DCM.finding, SCT.normal);
  const picture = image(null, FILM);
  // @ts-expect-error an image is no concept modifier
  modifiedBy(picture);
  // @ts-expect-error a number is no concept modifier
  modifiedBy(num(DCM.certaintyOfFinding, '1', UNITS.percent));
  // @ts-expect-error an image is no observation context
  observedIn(picture);
  // @ts-expect-error a text contains nothing
  text(DCM.comment, 'x', [contains(finding)]);
  // @ts-expect-error an image has no observation context of its own
  image(null, FILM, [observedIn(finding)]);
  // @ts-expect-error an item is built by its function only
  container(DCM.finding, [contains({ valueType: 'TEXT', name: DCM.comment, value: 'x', children: [] })]);
  // @ts-expect-error coordinates are selected from an image
  polyline(DCM.sourceOfMeasurement, SQUARE);
  assert.equal(acquiredIn(finding).relationship, 'HAS ACQ CONTEXT');
});

test('a long code value goes into LongCodeValue', () => {
  const value = 'A-VALUE-OF-MORE-THAN-SIXTEEN';
  const encoded = encodeTree(container({ value, scheme: '99X', meaning: 'x' }, []), 'comprehensive');
  const [name] = encoded['0040A043']?.Value ?? [];
  assert.deepEqual(Object.keys(name as object), ['00080119', '00080102', '00080104']);
});

test('Basic Text SR takes neither numbers nor coordinates', () => {
  const tree = container(DCM.finding, [contains(num(DCM.certaintyOfFinding, '1', UNITS.percent))]);
  assert.throws(() => encodeTree(tree, 'basic-text'), DeepHealthError);
  assert.ok(encodeTree(tree, 'comprehensive'));
});

test('an image that is named twice is one reference', () => {
  const tree = container(DCM.finding, [
    contains(image(DCM.visualExplanation, FILM)),
    contains(polyline(DCM.sourceOfMeasurement, SQUARE, image(null, FILM))),
  ]);
  assert.deepEqual(referencesOf(tree), [FILM]);
});
