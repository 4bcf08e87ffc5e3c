import assert from 'node:assert/strict';
import { test } from 'node:test';
import { element } from '../../../test/fixtures/dicom.ts';
import { type DicomDataset, text } from '../dataset.ts';
import { phantomDataset } from '../phantom/file.ts';
import type { PhantomHeader } from '../phantom/header.ts';
import { type Selection, selectFilm } from './select.ts';
import { DEFAULT_RULES, type SelectRules } from './select-rules.ts';

const CT = '1.2.840.10008.5.1.4.1.1.2';
const SR = '1.2.840.10008.5.1.4.1.1.88.34';
const SC = '1.2.840.10008.5.1.4.1.1.7';
const DX_FOR_PROCESSING = '1.2.840.10008.5.1.4.1.1.1.1.1';

/** A header as of a phantom of full size, with attributes replaced and taken out. */
function header(options: PhantomHeader = {}, attributes: DicomDataset = {}, without: readonly string[] = []) {
  const dataset = phantomDataset({ ...options, width: 16, height: 16 });
  const full: DicomDataset = {
    ...dataset,
    '00280010': element('US', 2500),
    '00280011': element('US', 2048),
    ...attributes,
  };
  for (const tag of without) delete full[tag];
  return full;
}

function outcome(dataset: DicomDataset, rules: Partial<SelectRules> = {}): string {
  const selection: Selection = selectFilm(dataset, { ...DEFAULT_RULES, ...rules });
  return selection.verdict === 'accept' ? `accept ${selection.view}` : selection.code;
}

/** CR with nothing but what its SOP class asks for: body part, view and descriptions taken out. */
const bare = (attributes: DicomDataset) =>
  header(
    { kind: 'CR' },
    attributes,
    ['00180015', '00185101', '0008103E', '00081030', '00400275'].filter((tag) => !(tag in attributes)),
  );

test('frontal chest films of CR and DX are taken, with their view', () => {
  assert.equal(outcome(header({ kind: 'DX', view: 'PA' })), 'accept PA');
  assert.equal(outcome(header({ kind: 'DX', view: 'AP' })), 'accept AP');
  assert.equal(outcome(header({ kind: 'CR', view: 'AP' })), 'accept AP');
  assert.equal(
    outcome(header({ kind: 'CR', view: 'FRONTAL' }, { '0008103E': element('LO', 'Thorax') })),
    'accept frontal',
  );
});

test('views are understood in the spellings that modalities write', () => {
  for (const [view, expected] of [
    ['PA ', 'accept PA'],
    ['P-A', 'accept PA'],
    ['Thorax p.a.', 'accept PA'],
    ['a.p.', 'accept AP'],
    ['POSTERO_ANTERIOR', 'accept PA'],
    ['LL', 'film.not-frontal'],
    ['RL', 'film.not-frontal'],
    ['LATERAL', 'film.not-frontal'],
    ['lat.', 'film.not-frontal'],
    ['LLD', 'film.not-frontal'],
    ['RAO', 'film.not-frontal'],
    ['OBLIQUE', 'film.not-frontal'],
    ['Décub', 'film.not-frontal'],
  ] as const) {
    assert.equal(
      outcome(bare({ '00185101': element('CS', view), '00180015': element('CS', 'CHEST') })),
      expected,
      view,
    );
  }
});

test('view codes decide, in SNOMED CT and in the older SNOMED RT', () => {
  const coded = (value: string, scheme: string) =>
    outcome(
      bare({
        '00180015': element('CS', 'CHEST'),
        '00540220': element('SQ', { '00080100': element('SH', value), '00080102': element('SH', scheme) }),
      }),
    );
  assert.equal(coded('272479007', 'SCT'), 'accept PA');
  assert.equal(coded('399348003', 'SCT'), 'accept AP');
  assert.equal(coded('399033003', 'SCT'), 'accept frontal');
  assert.equal(coded('R-10206', 'SRT'), 'accept AP');
  assert.equal(coded('399067008', 'SCT'), 'film.not-frontal');
  assert.equal(coded('399173006', 'SCT'), 'film.not-frontal');
  assert.equal(coded('R-10232', 'SNM3'), 'film.not-frontal');
  assert.equal(coded('399135007', 'SCT'), 'film.not-frontal');
});

test('rows that run to the front of the patient are a lateral whatever its label', () => {
  assert.equal(outcome(header({ view: 'PA' }, { '00200020': element('CS', 'A', 'F') })), 'film.not-frontal');
  assert.equal(outcome(header({ view: 'PA' }, { '00200020': element('CS', 'P', 'F') })), 'film.not-frontal');
  assert.equal(outcome(header({ view: 'PA' }, { '00200020': element('CS', 'R', 'F') })), 'accept PA');
});

test('descriptions decide where view and body part are empty, several languages included', () => {
  for (const [series, study, expected] of [
    ['Chest PA', '', 'accept PA'],
    ['Thorax a.p. Bett', '', 'accept AP'],
    ['Tórax PA', '', 'accept PA'],
    ['Röntgen Thorax seitlich', '', 'film.not-frontal'],
    ['Chest LAT', '', 'film.not-frontal'],
    ['', 'CHEST PORTABLE', 'accept frontal'],
    ['', 'XR CHEST 1 VIEW', 'accept frontal'],
    ['', 'XR CHEST 1 VIEW LATERAL', 'film.view-unknown'],
    ['Klatka piersiowa PA', '', 'accept PA'],
    ['胸部正面', '', 'accept frontal'],
    ['胸部側面', '', 'film.not-frontal'],
    // One study description for both films of the visit decides nothing.
    ['', 'CHEST PA AND LATERAL', 'film.view-unknown'],
    ['PA', 'CHEST PA AND LATERAL', 'accept PA'],
    ['LAT', 'CHEST PA AND LATERAL', 'film.not-frontal'],
    ['', 'CHEST 2 VIEWS', 'film.view-unknown'],
    ['Hand PA', '', 'film.body-part'],
    ['Rippen a.p.', '', 'film.body-part'],
    ['PA', '', 'film.body-part-unknown'],
  ] as const) {
    const dataset = bare({ '0008103E': element('LO', series), '00081030': element('LO', study) });
    assert.equal(outcome(dataset), expected, `${series} / ${study}`);
  }
});

test('a series that says another thing than body part or view makes them doubtful', () => {
  const dataset = (series: string) => header({ view: 'PA' }, { '0008103E': element('LO', series) });
  assert.equal(outcome(dataset('Chest LAT')), 'film.view-unknown');
  assert.equal(outcome(dataset('Ribs PA')), 'film.body-part-unknown');
  assert.equal(outcome(dataset('Chest AP/LAT')), 'accept PA');
});

test('other body parts are refused, chest is known by many names', () => {
  for (const [part, expected] of [
    ['CHEST', 'accept PA'],
    ['PORT CHEST', 'accept PA'],
    ['CHEST_PA', 'accept PA'],
    ['THORAX', 'accept PA'],
    ['Lunge', 'accept PA'],
    ['ABDOMEN', 'film.body-part'],
    ['HAND', 'film.body-part'],
    ['RIB', 'film.body-part'],
    ['TSPINE', 'film.body-part'],
    ['XYZ', 'film.body-part'],
    ['', 'film.body-part-unknown'],
    ['CHESTABDOMEN', 'film.body-part-unknown'],
  ] as const) {
    const dataset = bare({ '00180015': element('CS', part), '00185101': element('CS', 'PA') });
    assert.equal(outcome(dataset), expected, part);
  }
  const region = {
    '00082218': element('SQ', { '00080100': element('SH', 'T-D3000'), '00080102': element('SH', 'SRT') }),
  };
  assert.equal(outcome(bare({ ...region, '00185101': element('CS', 'PA') })), 'accept PA');
});

test('what nothing tells is refused, or read with a remark when the site wants it', () => {
  const unknown = bare({});
  assert.equal(outcome(unknown), 'film.body-part-unknown');
  const flagged = selectFilm(unknown, { ...DEFAULT_RULES, unknownView: 'flag' });
  assert.ok(flagged.verdict === 'accept');
  assert.equal(flagged.view, 'unknown');
  assert.deepEqual(
    flagged.remarks.map(({ code }) => code),
    ['body-part-unknown', 'view-unknown'],
  );
});

test('objects that are no films for presentation have a code each', () => {
  const cases: readonly (readonly [string, DicomDataset])[] = [
    ['film.for-processing', header({}, { '00080016': element('UI', DX_FOR_PROCESSING) })],
    ['film.for-processing', header({}, { '00080068': element('CS', 'FOR PROCESSING') })],
    ['film.other-object', header({}, { '00080016': element('UI', CT), '00080060': element('CS', 'CT') })],
    ['film.other-object', header({}, { '00080060': element('CS', 'MG') })],
    [
      'film.not-an-image',
      header({}, { '00080016': element('UI', SR), '00080060': element('CS', 'SR') }, ['00080070']),
    ],
    ['film.secondary-capture', header({ kind: 'SC' })],
    ['film.multi-frame', header({}, { '00280008': element('IS', '12') })],
    ['film.colour', header({}, { '00280002': element('US', 3), '00280004': element('CS', 'RGB') })],
    ['film.colour', header({}, { '00280004': element('CS', 'PALETTE COLOR') })],
    ['film.derived', header({}, { '00080008': element('CS', 'DERIVED', 'PRIMARY', 'BONE_SUPPRESSED') })],
    ['film.derived', header({}, { '00080008': element('CS', 'ORIGINAL', 'PRIMARY', 'LOCALIZER') })],
    ['film.derived', header({}, { '00080008': element('CS', 'DERIVED', 'SECONDARY') })],
    ['film.derived', header({}, { '0008103E': element('LO', 'Chest PA Bone Suppressed') })],
    ['film.derived', header({}, { '0008103E': element('LO', 'Chest PA dual-energy soft tissue') })],
    ['film.too-small', header({}, { '00280010': element('US', 400), '00280011': element('US', 400) })],
    ['film.odd-shape', header({}, { '00280010': element('US', 2600), '00280011': element('US', 1000) })],
    ['film.odd-shape', header({}, { '00280010': element('US', 600), '00280011': element('US', 1200) })],
  ];
  for (const [code, dataset] of cases) assert.equal(outcome(dataset), code);
  assert.equal(
    outcome(header({ view: 'PA' }, { '00080008': element('CS', 'DERIVED', 'PRIMARY') })),
    'accept PA',
  );
});

test('our own report and heat map never count as films', () => {
  const ours = {
    '00080070': element('LO', 'Deep Health'),
    '00080008': element('CS', 'DERIVED', 'SECONDARY', 'HEATMAP'),
  };
  const heatMap = header({}, { ...ours, '00080016': element('UI', SC), '00080060': element('CS', 'OT') });
  const report = header(
    {},
    { '00080070': ours['00080070'], '00080016': element('UI', SR), '00080060': element('CS', 'SR') },
    ['00080008'],
  );
  for (const rules of [
    {},
    { secondaryCapture: true },
    { secondaryCapture: true, modalities: ['CR', 'DX', 'OT'] },
  ]) {
    const code = outcome(heatMap, rules);
    assert.ok(code === 'film.own-object' || code === 'film.derived' || code === 'film.colour', code);
    assert.equal(outcome(report, rules), 'film.own-object');
  }
});

test('Secondary Capture films are taken by a switch, when they say that they are CR or DX', () => {
  const film = header({ kind: 'SC', view: 'PA' }, { '00185101': element('CS', 'PA') });
  assert.equal(text(film, '00080060'), 'CR');
  assert.equal(outcome(film), 'film.secondary-capture');
  assert.equal(outcome(film, { secondaryCapture: true }), 'accept PA');
  const copied = header({ view: 'PA' }, { '00080008': element('CS', 'DERIVED', 'SECONDARY') });
  assert.equal(outcome(copied), 'film.derived');
  assert.equal(outcome(copied, { secondaryCapture: true }), 'accept PA');
  const page = { ...film, '00080060': element('CS', 'OT'), '00080070': element('LO', 'Scanner') };
  assert.equal(outcome(page, { secondaryCapture: true }), 'film.secondary-capture');
});

test('a QIDO-RS answer of few attributes is judged by what it has', () => {
  const answer: DicomDataset = {
    '00080016': element('UI', '1.2.840.10008.5.1.4.1.1.1'),
    '00080060': element('CS', 'CR'),
    '00180015': element('CS', 'CHEST'),
    '00185101': element('CS', 'AP'),
  };
  assert.equal(outcome(answer), 'accept AP');
  assert.equal(
    outcome({ ...answer, '00280010': element('US', 100), '00280011': element('US', 100) }),
    'film.too-small',
  );
  assert.equal(outcome({}), 'film.other-object');
});

test('rules are plain data: a site adds its words and survives a round trip through JSON', () => {
  const rules = JSON.parse(JSON.stringify(DEFAULT_RULES)) as SelectRules;
  assert.deepEqual(rules, DEFAULT_RULES);
  const site = {
    ...rules,
    viewPositions: { ...rules.viewPositions, accept: [...rules.viewPositions.accept, 'stående*'] },
  };
  const dataset = bare({ '00185101': element('CS', 'Stående bild'), '00180015': element('CS', 'CHEST') });
  assert.equal(selectFilm(dataset).verdict, 'refuse');
  assert.equal(selectFilm(dataset, site).verdict, 'accept');
});
