import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import {
  film,
  heatmap,
  pictureFilm,
  READINGS,
  reading,
  reportInput,
  WIDTH,
} from '../../../test/fixtures/readings.ts';
import { CASES, el } from '../../../test/fixtures/report-cases.ts';
import { DeepHealthError } from '../../errors/error.ts';
import { type DicomDataset, items, text, texts } from '../dataset.ts';
import { parseDicom } from '../film/parse.ts';
import { makeReport } from './report.ts';

async function datasetOf(object: { bytes: Uint8Array } | null | undefined): Promise<DicomDataset> {
  assert.ok(object);
  return (await parseDicom(object.bytes)).dataset;
}

/** The items below a path of concept name codes. */
function below(dataset: DicomDataset, ...path: string[]): DicomDataset[] {
  const [code, ...rest] = path;
  if (code === undefined) return [dataset];
  return items(dataset, '0040A730')
    .filter((item) => items(item, '0040A043').some((name) => text(name, '00080100') === code))
    .flatMap((item) => below(item, ...rest));
}

function codeValue(item: DicomDataset | undefined): string | undefined {
  return item && text(items(item, '0040A168')[0] ?? {}, '00080100');
}

function number(item: DicomDataset | undefined): string | undefined {
  return item && text(items(item, '0040A300')[0] ?? {}, '0040A30A');
}

test('the same input gives the same bytes', () => {
  for (const input of Object.values(CASES)) {
    const digest = () => {
      const { air, text: readable, heatmaps, pictures } = makeReport(input);
      return [air, readable, ...heatmaps, ...pictures].map(
        (object) => object && createHash('sha256').update(object.bytes).digest('hex'),
      );
    };
    assert.deepEqual(digest(), digest());
  }
});

test('a film with more codes, requests and numbers than anybody gives it has a report all the same', async () => {
  const many = <Value>(value: (at: number) => Value) => Array.from({ length: 20_000 }, (_, at) => value(at));
  const crowded = film({
    '00081032': {
      vr: 'SQ',
      Value: many((at) => ({
        '00080100': { vr: 'SH', Value: [`C${at}`] },
        '00080102': { vr: 'SH', Value: ['99TEST'] },
        '00080104': { vr: 'LO', Value: ['code'] },
      })),
    },
    '00400275': { vr: 'SQ', Value: many((at) => ({ '00401001': { vr: 'SH', Value: [`R${at}`] } })) },
    '00101002': { vr: 'SQ', Value: many((at) => ({ '00100020': { vr: 'LO', Value: [`P${at}`] } })) },
    '00101000': { vr: 'LO', Value: Array.from({ length: 300_000 }, (_, at) => `${at}`) },
    '00104000': { vr: 'LT', Value: ['x'.repeat(100_000)] },
  });
  const { air, text: readable, remarks } = makeReport(reportInput([{ film: crowded }]));
  assert.ok(remarks.some(({ code }) => code === 'header.changed'));
  for (const object of [air, readable]) {
    assert.ok(object && object.bytes.length < 200_000, `${object?.bytes.length} bytes`);
    const dataset = await datasetOf(object);
    for (const tag of ['00081032', '00101002']) assert.ok(items(dataset, tag).length <= 100, tag);
  }
});

test('the UID of an SR follows films, model, parameters and profile, and nothing else', () => {
  const uid = (...args: Parameters<typeof reportInput>) =>
    makeReport(reportInput(...args)).air?.sopInstanceUid;
  const same = uid();
  assert.equal(uid([{}], { analysedAt: new Date('2027-01-01T00:00:00Z') }), same);
  // Heat maps switched off for an archive that takes none: the next report must not point to one.
  assert.notEqual(uid([{ heatmap: null }]), same);
  const model = { ...reading().model, sha256: 'cd'.repeat(32) };
  assert.notEqual(uid([{ reading: reading({ model }) }]), same);
  assert.notEqual(uid([{ film: film({ '00080018': el('UI', '1.2.3') }) }]), same);
  assert.notEqual(uid([{}], { algorithm: { preprocessing: 'other', thresholds: '0.5' } }), same);
  const { air, text: readable } = makeReport(reportInput());
  assert.notEqual(air?.sopInstanceUid, readable?.sopInstanceUid);
  assert.notEqual(air?.seriesInstanceUid, readable?.seriesInstanceUid);
});

test('air: finding, certainty and the three shares stand in the group of the film', async () => {
  const dataset = await datasetOf(makeReport(CASES.bacterial ?? reportInput()).air);
  const group = ['126010', '125007'];
  assert.equal(codeValue(below(dataset, ...group, '121071')[0]), '53084003');
  assert.equal(number(below(dataset, ...group, '111012')[0]), '93.6');
  assert.equal(number(below(dataset, ...group, 'PROB-NORMAL')[0]), '2.1');
  assert.equal(codeValue(below(dataset, ...group, 'PROB-VIRAL', '121071')[0]), '75570004');
  assert.equal(codeValue(below(dataset, 'C0034375', '233604007')[0]), '52101004');
  assert.equal(below(dataset, 'C0034375', 'TRIAGE').length, 0, 'triage is off');
});

test('air: an abstention has no finding and no certainty, but library, group and shares', async () => {
  const dataset = await datasetOf(makeReport(reportInput([{ reading: READINGS.abstained }])).air);
  assert.equal(below(dataset, '126010', '125007', '121071').length, 0);
  assert.equal(below(dataset, '126010', '125007', '111012').length, 0);
  assert.equal(number(below(dataset, '126010', '125007', 'PROB-NORMAL')[0]), '50.0');
  assert.equal(codeValue(below(dataset, 'C0034375', '233604007')[0]), '373068000');
  assert.equal(codeValue(below(dataset, 'C0034375', 'QUALITY-REASON')[0]), '111219');
  assert.equal(below(dataset, 'C0034375', 'QUALITY-REMARK').length, 2);
  assert.equal(below(dataset, '111028', '126200').length, 1);
});

test('air: pneumonia of open type is reported as pneumonia with the sum of its shares', async () => {
  const dataset = await datasetOf(makeReport(reportInput([{ reading: READINGS.typeUndetermined }])).air);
  assert.equal(codeValue(below(dataset, '126010', '125007', '121071')[0]), '233604007');
  assert.equal(number(below(dataset, '126010', '125007', '111012')[0]), '90.0');
});

test('text: pneumonia of open type is no missing result', async () => {
  const { text: readable } = makeReport(reportInput([{ reading: READINGS.typeUndetermined }]));
  const [reason] = below(await datasetOf(readable), 'ABSTAIN-REASON');
  assert.equal(codeValue(below(await datasetOf(readable), '233604007')[0]), '52101004');
  assert.equal(text(items(reason ?? {}, '0040A043')[0] ?? {}, '00080104'), 'Reason why no class is given');
});

test('the region is the box of the model on the stored film, mirrored when the film is', async () => {
  const region = async (mirrored: boolean) => {
    const toFilm = mirrored
      ? { a: -1, b: 0, c: WIDTH, d: 0, e: 1, f: 0 }
      : { a: 1, b: 0, c: 0, d: 0, e: 1, f: 0 };
    const box = { x0: 5, y0: 10, x1: 20, y1: 500 };
    const report = makeReport(reportInput([{ film: film({}, { toFilm }), box }]));
    const [scoord] = below(await datasetOf(report.air), '126010', '125007', '121112');
    return scoord?.['00700022']?.Value;
  };
  assert.deepEqual(await region(false), [5, 10, 20, 10, 20, 80, 5, 80, 5, 10]);
  assert.deepEqual(await region(true), [55, 10, 40, 10, 40, 80, 55, 80, 55, 10]);
});

test('one measurement group a film, each with its own region and heat map', async () => {
  const report = makeReport(CASES['two-films'] ?? reportInput());
  const dataset = await datasetOf(report.air);
  assert.equal(below(dataset, '126010', '125007').length, 2);
  assert.equal(below(dataset, '111028', '126200').length, 2, 'a library group for each modality');
  assert.equal(below(dataset, '126010', '125007', '130401').length, 1);
  assert.deepEqual(
    report.heatmaps.map((object) => object !== null),
    [true, false],
  );
});

test('of several films each is named by the numbers under which a viewer lists it, where it has them', async () => {
  const named = async (language: 'en' | 'de', numbers: Readonly<Record<string, string>> = {}) => {
    const second = film({
      '00080018': el('UI', '1.2.3.4.5.2'),
      '00200011': el('IS', numbers.series ?? '2'),
      '00200013': el('IS', numbers.image ?? '3'),
    });
    const report = makeReport(reportInput([{}, { film: second, heatmap: null }], { options: { language } }));
    return below(await datasetOf(report.text), 'FILM-RESULT', 'FILM-NUMBER').map((item) =>
      text(item, '0040A160'),
    );
  };
  assert.deepEqual(await named('en'), ['1 / 2 (series 1, image 1)', '2 / 2 (series 2, image 3)']);
  assert.deepEqual(await named('de'), ['1 / 2 (Serie 1, Bild 1)', '2 / 2 (Serie 2, Bild 3)']);
  assert.deepEqual(await named('en', { image: '' }), ['1 / 2 (series 1, image 1)', '2 / 2']);
  assert.deepEqual(await named('en', { series: '1e3', image: 'two' }), [
    '1 / 2 (series 1, image 1)',
    '2 / 2',
  ]);
});

test('evidence holds every instance that the tree names, by series, and no other', async () => {
  const report = makeReport(reportInput());
  const dataset = await datasetOf(report.air);
  const [study] = items(dataset, '0040A375');
  const named = items(study ?? {}, '00081115').flatMap((series) =>
    items(series, '00081199').map((sop) => text(sop, '00081155')),
  );
  const source = film().dataset;
  assert.deepEqual(named.sort(), [text(source, '00080018'), report.heatmaps[0]?.sopInstanceUid].sort());
});

test('no report refers to a heat map that was not made', async () => {
  const report = makeReport(reportInput([{ heatmap: null }]));
  assert.equal(below(await datasetOf(report.air), '126010', '125007', '130401').length, 0);
  assert.equal(below(await datasetOf(report.text), '130401').length, 0);
  assert.deepEqual(report.heatmaps, [null]);
});

test('patient, study and order are copied as the film holds them', async () => {
  const dataset = await datasetOf(makeReport(CASES.rich ?? reportInput()).air);
  assert.equal(text(dataset, '00100020'), 'PHANTOM-0001');
  assert.equal(text(items(dataset, '00101002')[0] ?? {}, '00100020'), 'OTHER-1');
  assert.equal(text(items(dataset, '00080051')[0] ?? {}, '00400032'), '1.2.276.0.76.1');
  assert.equal(text(dataset, '00120040'), 'Subject 7');
  assert.equal(text(dataset, '00120050'), 'Visit 2');
  assert.deepEqual(texts(dataset, '00120063'), ['Basic profile', 'second method']);
  assert.equal(text(dataset, '00380010'), 'ADM-1');
  assert.equal(text(dataset, '00080201'), '+0530');
  assert.equal(text(dataset, '00080023'), '20260301');
  assert.equal(text(dataset, '00080033'), '144700.000');
  const [request] = items(dataset, '0040A370');
  assert.equal(text(request ?? {}, '00402016'), 'PL123');
  assert.equal(text(request ?? {}, '00080050'), 'PHA0001');
  assert.equal(text(items(request ?? {}, '00321064')[0] ?? {}, '00080100'), '24648-8');
  assert.equal(text(dataset, '00080080'), 'Hôpital', 'the institution is the station’s, not the film’s');
});

test('what the film lacks is empty or absent, never invented', async () => {
  const report = makeReport(CASES.sparse ?? reportInput());
  const dataset = await datasetOf(report.air);
  for (const tag of ['00100010', '00100020', '00100030', '00100040', '00080020', '00080050', '00080090']) {
    assert.deepEqual(dataset[tag]?.Value ?? [], [], tag);
  }
  for (const tag of ['0040A370', '00101010', '00081030', '00120062'])
    assert.equal(dataset[tag], undefined, tag);
  assert.deepEqual(report.remarks, []);
});

test('an identifier that is too long is left out, a name is shortened, and both are told without the value', async () => {
  const report = makeReport(CASES.long ?? reportInput());
  const dataset = await datasetOf(report.air);
  assert.equal(text(dataset, '00100020'), undefined);
  assert.equal(text(dataset, '00080050'), undefined);
  assert.deepEqual(dataset['00100010']?.Value?.length, 1);
  assert.equal(text(dataset, '00080020'), '20260301');
  const told = report.remarks.map(({ message }) => message).join('\n');
  assert.match(told, /PatientID of the film .* left out/);
  assert.match(told, /PatientName of the film .* shortened/);
  assert.doesNotMatch(told, /IDID|Näme|ACCESSION/);
});

test('names keep their three component groups', async () => {
  const dataset = await datasetOf(makeReport(CASES.japanese ?? reportInput()).text);
  assert.deepEqual(dataset['00100010']?.Value, [
    { Alphabetic: 'Yamada^Tarou', Ideographic: '山田^太郎', Phonetic: 'やまだ^たろう' },
  ]);
});

test('the heat map is an RGB Secondary Capture that points at the film and claims no spacing', async () => {
  const { heatmaps } = makeReport(reportInput());
  const [object] = heatmaps;
  const { dataset, pixelField } = await parseDicom(object?.bytes ?? new Uint8Array());
  assert.equal(text(dataset, '00280004'), 'RGB');
  assert.deepEqual(dataset['00200020']?.Value, ['L', 'F']);
  assert.equal(text(items(dataset, '00082112')[0] ?? {}, '00081155'), text(film().dataset, '00080018'));
  assert.equal(text(items(dataset, '00089215')[0] ?? {}, '00080100'), '130402');
  assert.equal(text(dataset, '00280301'), 'NO');
  assert.equal(dataset['00280030'], undefined);
  assert.equal(dataset['00181164'], undefined);
  assert.ok(pixelField);
});

test('a heat map claims an orientation only where the film told one that it was laid down by', async () => {
  const claimed = async (...given: string[]) => {
    const source = film({ '00200020': el('CS', ...given) });
    return (
      (await datasetOf(makeReport(reportInput([{ film: source }])).heatmaps[0]))['00200020']?.Value ?? []
    );
  };
  for (const told of [
    ['L', 'F'],
    ['R', 'F'],
    ['H', 'L'],
  ])
    assert.deepEqual(await claimed(...told), ['L', 'F']);
  for (const untold of [[], ['L'], ['L', 'R'], ['F', 'F'], ['A', 'F'], ['LF', 'F']]) {
    assert.deepEqual(await claimed(...untold), [], untold.join(' '));
  }
});

test('a heat map says of burned-in text what its film says, and nothing where that is silent', async () => {
  const told = async (annotation: string | null, features: string | null) => {
    const source = film({
      '00280301': el('CS', ...(annotation === null ? [] : [annotation])),
      '00280302': el('CS', ...(features === null ? [] : [features])),
    });
    const dataset = await datasetOf(makeReport(reportInput([{ film: source }])).heatmaps[0]);
    return [text(dataset, '00280301'), text(dataset, '00280302')];
  };
  assert.deepEqual(await told('YES', 'YES'), ['YES', 'YES']);
  assert.deepEqual(await told('NO', 'NO'), ['NO', 'NO']);
  assert.deepEqual(await told(null, null), [undefined, undefined]);
  assert.deepEqual(await told('MAYBE', null), [undefined, undefined]);
});

test('a film that was lossy once stays lossy in its heat map', async () => {
  const dataset = await datasetOf(makeReport(CASES.rich ?? reportInput()).heatmaps[0]);
  assert.equal(text(dataset, '00282110'), '01');
  assert.equal(Number(text(dataset, '00282112')), 12.5);
  assert.equal(text(dataset, '00282114'), 'ISO_10918_1');
});

test('a picture file becomes a stored film of its own, and the reports point at it', async () => {
  const read = { film: pictureFilm(), contentDigest: 'cd'.repeat(32) };
  const report = makeReport(reportInput([read]));
  const [picture] = report.pictures;
  assert.ok(picture);
  const { dataset, pixelField } = await parseDicom(picture.bytes);
  assert.equal(text(dataset, '00280004'), 'MONOCHROME2');
  assert.ok(pixelField);
  assert.equal(text(dataset, '00280301'), undefined, 'nobody knows what is written on a picture file');
  const [named] = below(await datasetOf(report.text), 'FILM');
  assert.equal(text(items(named ?? {}, '00081199')[0] ?? {}, '00081155'), picture.sopInstanceUid);
  const again = makeReport(reportInput([read], { analysedAt: new Date('2027-01-01T00:00:00Z') }));
  assert.equal(again.pictures[0]?.sopInstanceUid, picture.sopInstanceUid);
  assert.equal(again.studyInstanceUid, report.studyInstanceUid);
});

test('a re-read names the report that it replaces and takes the next series numbers', async () => {
  const report = makeReport(CASES.reread ?? reportInput());
  for (const [object, predecessor, number] of [
    [report.air, '1.2.3.9.1', '9912'],
    [report.text, '1.2.3.8.1', '9910'],
  ] as const) {
    const dataset = await datasetOf(object);
    const [study] = items(dataset, '0040A360');
    const [series] = items(study ?? {}, '00081115');
    const [sop] = items(series ?? {}, '00081199');
    assert.equal(text(sop ?? {}, '00081155'), predecessor);
    assert.equal(text(items(sop ?? {}, '0040A170')[0] ?? {}, '00080100'), '121360');
    assert.equal(text(dataset, '00200011'), number);
  }
});

test('profiles can be switched off', () => {
  const report = makeReport(reportInput([{}], { options: { profiles: ['text'] } }));
  assert.equal(report.air, undefined);
  assert.ok(report.text);
});

test('procedure reported: film, request, site table, view, then the general code, in this order', async () => {
  const procedure = async (...args: Parameters<typeof reportInput>) =>
    codeValue(below(await datasetOf(makeReport(reportInput(...args)).air), '121058')[0]);
  const code = (value: string) =>
    el('SQ', { '00080100': el('SH', value), '00080102': el('SH', '99X'), '00080104': el('LO', value) });
  const requested = el('SQ', { '00321064': code('REQ') });
  const options = { procedures: { ' xr CHEST ': { value: 'SITE', scheme: '99X', meaning: 'site' } } };
  const rich = film({ '00081032': code('OWN'), '00400275': requested });
  assert.equal(await procedure([{ film: rich }], { options }), 'OWN');
  assert.equal(await procedure([{ film: film({ '00400275': requested }) }], { options }), 'REQ');
  assert.equal(await procedure([{}], { options }), 'SITE');
  assert.equal(await procedure(), '36572-6');
  assert.equal(await procedure([{ film: film({}, { view: 'PA' }) }]), '24648-8');
  assert.equal(await procedure([{ film: film({}, { view: 'unknown' }) }]), '363679005');
});

test('words that JavaScript objects know by themselves are words like any other', async () => {
  const code = el('SQ', {
    '00080100': el('SH', '__proto__'),
    '00080102': el('SH', 'constructor'),
    '00080104': el('LO', 'toString'),
  });
  const odd = film({ '00080060': el('CS', 'constructor'), '00081032': code });
  const quality = { status: 'limited', reasons: [{ code: 'constructor', message: 'valueOf' }] } as const;
  const report = makeReport(reportInput([{ film: odd, reading: reading({ quality }) }]));
  const dataset = await datasetOf(report.air);
  assert.equal(codeValue(below(dataset, '121058')[0]), '__proto__');
  assert.equal(codeValue(below(dataset, '111028', '126200', '121139')[0]), 'RG');
  assert.equal(text(below(dataset, 'C0034375', 'QUALITY-REMARK')[0] ?? {}, '0040A160'), 'valueOf');
});

const REFUSED: Readonly<Record<string, [string, () => unknown]>> = {
  'no film': ['report.content-invalid', () => makeReport(reportInput([]))],
  'a film without a study UID': [
    'report.identity-missing',
    () => makeReport(reportInput([{ film: film({ '0020000D': undefined }) }])),
  ],
  'a film with a UID that is none': [
    'report.identity-missing',
    () => makeReport(reportInput([{ film: film({ '0020000E': el('UI', 'PATIENT^NAME') }) }])),
  ],
  'a picture without the digest of its bytes': [
    'report.identity-missing',
    () => makeReport(reportInput([{ film: pictureFilm() }])),
  ],
  'films of two studies': [
    'report.films-mixed',
    () =>
      makeReport(
        reportInput([{}, { film: film({ '0020000D': el('UI', '1.2'), '00080018': el('UI', '1.3') }) }]),
      ),
  ],
  'the same film twice': ['report.films-mixed', () => makeReport(reportInput([{}, {}]))],
  'a heat map whose pixels do not match its size': [
    'report.picture-invalid',
    () => makeReport(reportInput([{ heatmap: { ...heatmap(), width: 61 } }])),
  ],
};

for (const [what, [code, make]] of Object.entries(REFUSED)) {
  test(`${what} is an error with the code ${code}`, () => {
    assert.throws(make, (error) => {
      assert.ok(error instanceof DeepHealthError);
      assert.equal(error.code, code);
      assert.doesNotMatch(error.message, /PATIENT/);
      return true;
    });
  });
}
