import assert from 'node:assert/strict';
import { test } from 'node:test';
import { film, pictureFilm, READINGS, reading, reportInput } from '../../test/fixtures/readings.ts';
import { CASES, el } from '../../test/fixtures/report-cases.ts';
import { hasHl7Parser, type ParsedMessage, parseHl7 } from '../../test/peers/hl7-parser.ts';
import type { Reading } from '../ai/reading.ts';
import type { ReportInput } from '../dicom/report/input.ts';
import { makeReport } from '../dicom/report/report.ts';
import { DeepHealthError } from '../errors/error.ts';
import { buildOru, type OruInput } from './oru.ts';
import type { Hl7Profile } from './profile.ts';

const skip = hasHl7Parser ? false : 'python3-hl7 is not installed';

function oruInput(report: ReportInput, changes: Partial<OruInput> = {}): OruInput {
  return {
    report,
    messageId: 'DH20260301101702-001',
    createdAt: new Date('2026-03-01T09:17:02Z'),
    ...changes,
  };
}

function parsed(
  report: ReportInput,
  profile: Partial<Hl7Profile> = {},
  changes: Partial<OruInput> = {},
  encoding = 'utf-8',
): ParsedMessage {
  const [message] = parseHl7([buildOru(oruInput(report, changes), profile).bytes], encoding);
  assert.ok(message);
  return message;
}

const rich = CASES.rich ?? reportInput();

test('2.5.1: every field of the header, patient, visit and order stands where RAD-128 wants it', {
  skip,
}, () => {
  const message = parsed(rich);
  assert.deepEqual(message.order.slice(0, 7), ['MSH', 'PID', 'PV1', 'ORC', 'OBR', 'TQ1', 'OBX']);
  assert.equal(message.field('MSH', 2), '^~\\&');
  assert.equal(message.at('MSH', 3), 'DEEPHEALTH');
  assert.equal(message.at('MSH', 5), 'RIS');
  assert.equal(message.at('MSH', 7), '20260301101702+0100');
  assert.equal(message.field('MSH', 9), 'ORU^R01^ORU_R01');
  assert.equal(message.at('MSH', 10), 'DH20260301101702-001');
  assert.equal(message.at('MSH', 11), 'P');
  assert.equal(message.at('MSH', 12), '2.5.1');
  assert.equal(message.at('MSH', 15), '');
  assert.equal(message.at('MSH', 18), 'UNICODE UTF-8');
  assert.equal(message.field('PID', 3), 'PHANTOM-0001^^^HOSP&1.2.276.0.76.1&ISO^MR');
  assert.equal(message.field('PID', 5), 'Phantom^Child^^^^^L^A');
  assert.equal(message.at('PID', 7), '20220214');
  assert.equal(message.at('PID', 8), 'M');
  assert.equal(message.at('PV1', 2), 'U');
  assert.equal(message.at('PV1', 19), 'ADM-1');
  assert.equal(message.at('PV1', 51), 'V');
  assert.equal(message.at('ORC', 1), 'RE');
  for (const segment of ['ORC', 'OBR']) {
    assert.equal(message.field(segment, 2), 'PL123^HOSP^1.2.276.0.76.1^ISO');
    assert.equal(message.field(segment, 3), 'FI456');
  }
  assert.equal(message.field('OBR', 4), '24648-8^XR Chest PA upright^LN');
  assert.equal(message.at('OBR', 7), '20260301101500+0530', 'when the film was made');
  assert.equal(message.field('OBR', 16), '^Orderer^Olga^^MD^Dr', 'suffix before prefix');
  assert.equal(message.at('OBR', 18), 'PHA0001');
  assert.equal(message.at('OBR', 19), 'HOSP');
  assert.equal(message.at('OBR', 22), '20260301144700+0530', 'when it was read');
  assert.equal(message.at('OBR', 24), 'RAD');
  assert.equal(message.at('OBR', 25), 'P');
  assert.equal(message.field('OBR', 27), '');
  assert.equal(message.field('OBR', 31), '^cough & fever | 3 days');
  assert.equal(message.at('OBR', 32), '', 'no human has interpreted it');
  assert.equal(message.field('TQ1', 9), 'R^Routine^HL70485');
});

test('the time of the film has an offset only where film or site tell in which zone its clock runs', {
  skip,
}, () => {
  const plain = reportInput();
  const unknown = parsed(plain);
  assert.equal(unknown.at('OBR', 7), '20260301101500');
  assert.equal(unknown.at('OBR', 22), '20260301101700+0100', 'our own clock is known');
  const confirmed = parsed({ ...plain, site: { zone: 'Europe/Berlin', modalityClocksInZone: true } });
  assert.equal(confirmed.at('OBR', 7), '20260301101500+0100');
});

test('2.5.1: the observations in order, numbered, with flags, units, times and the device', { skip }, () => {
  const report = reportInput([{ reading: READINGS.viral }]);
  const message = parsed(report, { srReference: true }, { srInstanceUid: '2.25.77' });
  const expected: [string, string, string, string][] = [
    ['ST', '113014^DICOM Study^DCM', makeReport(report).studyInstanceUid, ''],
    ['TX', '59776-5^Procedure Findings^LN', '', 'A'],
    ['TX', '19005-8^Impression^LN', makeReport(report).conclusion, 'A'],
    ['CWE', '121071^Finding^DCM', '75570004^Viral pneumonia^SCT', 'A'],
    ['NM', 'PROB-NORMAL^Probability of normal^99DEEPHEALTH', '10.0', ''],
    ['NM', 'PROB-BACTERIAL^Probability of bacterial pneumonia^99DEEPHEALTH', '20.0', ''],
    ['NM', 'PROB-VIRAL^Probability of viral pneumonia^99DEEPHEALTH', '70.0', ''],
    [
      'CWE',
      'TRIAGE^AI triage category^99DEEPHEALTH',
      'RID49481^ACR Category 2 Actionable Finding^RadLex',
      '',
    ],
    ['CWE', '111050^Quality Assessment^DCM', 'RID12^Diagnostic quality^RadLex', ''],
    [
      'CWE',
      'APPLICABILITY^Applicability to intended population^99DEEPHEALTH',
      'APPL-IN^Within the intended population^99DEEPHEALTH',
      '',
    ],
    ['HD', '^SR Instance UID', '2.25.77', ''],
  ];
  assert.equal(message.count('OBX'), expected.length);
  for (const [index, [type, name, value, flag]] of expected.entries()) {
    const at = index + 1;
    assert.equal(message.at('OBX', 1, 1, at), String(at));
    assert.equal(message.at('OBX', 2, 1, at), type);
    assert.equal(message.field('OBX', 3, at), name);
    if (value !== '') assert.equal(message.field('OBX', 5, at), value);
    assert.equal(message.at('OBX', 8, 1, at), flag);
  }
  assert.equal(message.field('OBX', 6, 5), '%^percent^UCUM');
  assert.equal(message.at('OBX', 11, 1, 1), 'O');
  assert.equal(message.at('OBX', 11, 1, 4), 'P');
  assert.equal(message.at('OBX', 14, 1, 4), '20260301101500');
  assert.equal(message.field('OBX', 15, 4), 'DEEPHEALTH^Deep Health 0.1.0^L');
  assert.equal(message.field('OBX', 17, 4), 'DH-CXR^Deep Health Inception V3 1.2.0^99DEEPHEALTH');
  assert.equal(message.field('OBX', 18, 4), 'serial-0001^DEEPHEALTH');
  assert.equal(message.at('OBX', 19, 1, 4), '20260301101700+0100');
  assert.equal(message.at('TQ1', 9), 'A', 'triage is on and the result is one of hours');
});

test('2.4 and 2.3.1: no TQ1, priority in OBR-27, CE for coded values, ORU^R01', { skip }, () => {
  for (const version of ['2.4', '2.3.1'] as const) {
    const message = parsed(rich, { version });
    assert.equal(message.at('MSH', 12), version);
    assert.equal(message.field('MSH', 9), 'ORU^R01');
    assert.equal(message.count('TQ1'), 0);
    assert.equal(message.field('OBR', 27), '^^^^^R');
    assert.equal(message.at('OBX', 2, 1, 4), 'CE');
    assert.equal(message.at('OBX', 19, 1, 4), version === '2.4' ? '20260301144700+0530' : '');
  }
});

test('the narrative holds result, shares, quality, applicability and the disclaimer, line by line', {
  skip,
}, () => {
  const lines = parsed(reportInput([{ reading: READINGS.unknownAge }]))
    .at('OBX', 5, 1, 2)
    .split('\n');
  assert.equal(lines[0], 'AI chest film result, not for primary diagnosis.');
  assert.match(lines[1] ?? '', /^Model output suggests bacterial pneumonia \(93\.6 %\);/);
  assert.ok(lines.includes('Probability of viral pneumonia: 4.3 %'));
  assert.ok(lines.includes('Image quality for the model: Diagnostic quality'));
  assert.ok(lines.some((line) => line.startsWith('Patient age is unknown')));
  assert.match(lines.at(-1) ?? '', /To be reviewed by a physician/);
});

test('the narrative names each of several films by series and image, so that a person finds it', {
  skip,
}, () => {
  const lines = parsed(CASES['two-films'] ?? reportInput())
    .at('OBX', 5, 1, 2)
    .split('\n');
  assert.ok(lines.includes('Film 1 (series 1, image 1):'), lines.join('|'));
  assert.ok(lines.includes('Film 2 (series 2, image 3):'), lines.join('|'));
});

test('numbers in the narrative are written as its language writes them, and never claim certainty', {
  skip,
}, () => {
  const sure = { normal: 0.0001, 'bacterial-pneumonia': 0.9998, 'viral-pneumonia': 0.0001 };
  const linesOf = (language: 'de' | 'en', reading: Reading) => {
    const message = parsed(reportInput([{ reading }], { options: { language } }));
    assert.equal(message.at('OBX', 5, 1, 6), reading === READINGS.bacterial ? '93.6' : '100.0');
    return message.at('OBX', 5, 1, 2).split('\n');
  };
  const german = linesOf('de', READINGS.bacterial);
  assert.ok(german.includes('Wahrscheinlichkeit für bakterielle Pneumonie: 93,6 %'), german.join('|'));
  const english = linesOf('en', { ...READINGS.bacterial, probabilities: sure });
  assert.ok(english.includes('Probability of bacterial pneumonia: > 99.9 %'), english.join('|'));
  assert.ok(english.includes('Probability of viral pneumonia: < 0.1 %'), english.join('|'));
});

test('an abstention is an undetermined finding without a flag; normal is flagged N', { skip }, () => {
  const abstained = parsed(reportInput([{ reading: READINGS.abstained }]));
  assert.equal(abstained.field('OBX', 5, 4), '373068000^Undetermined^SCT');
  assert.equal(abstained.at('OBX', 8, 1, 4), '');
  const normal = parsed(reportInput([{ reading: READINGS.normal }]));
  assert.equal(normal.at('OBX', 8, 1, 4), 'N');
  assert.equal(normal.at('OBX', 8, 1, 2), 'N');
});

test('of several films each has its own sub-id', { skip }, () => {
  const message = parsed(CASES['two-films'] ?? reportInput());
  const subIds = Array.from({ length: message.count('OBX') }, (_, index) =>
    message.at('OBX', 4, 1, index + 1),
  );
  assert.deepEqual(subIds, ['', '1', '1', ...Array(7).fill('1'), ...Array(7).fill('2')]);
});

test('a correction says so in the order and in each result', { skip }, () => {
  const message = parsed(reportInput(), {}, { status: 'C' });
  assert.equal(message.at('OBR', 25), 'C');
  assert.equal(message.at('OBX', 11, 1, 4), 'C');
  assert.equal(message.at('OBX', 11, 1, 1), 'O');
});

test('names in other scripts arrive as repetitions with their representation', { skip }, () => {
  assert.deepEqual(parsed(CASES.japanese ?? reportInput()).repetitions('PID', 5), [
    ['Yamada', 'Tarou', '', '', '', '', 'L', 'A'],
    ['山田', '太郎', '', '', '', '', 'L', 'I'],
    ['やまだ', 'たろう', '', '', '', '', 'L', 'P'],
  ]);
  assert.equal(parsed(CASES.cyrillic ?? reportInput()).at('PID', 5, 1), 'Люксембург');
});

test('a name in the character set of the receiver arrives byte for byte', { skip }, () => {
  const cyrillic = parsed(CASES.cyrillic ?? reportInput(), { charset: 'ISO-8859-5' }, {}, 'iso8859-5');
  assert.equal(cyrillic.at('MSH', 18), '8859/5');
  assert.equal(cyrillic.at('PID', 5, 1), 'Люксембург');
});

test('what a character set lacks is replaced and told; a group of signs it lacks is left out', {
  skip,
}, () => {
  const report = CASES.japanese ?? reportInput();
  const { bytes, remarks } = buildOru(oruInput(report), { charset: 'ISO-8859-1' });
  assert.equal(parseHl7([bytes], 'latin-1')[0]?.repetitions('PID', 5).length, 1);
  assert.deepEqual(remarks, [], 'the alphabetic group stands for the name');
  const other = buildOru(oruInput(CASES.cyrillic ?? reportInput()), { charset: 'ISO-8859-1' });
  assert.equal(parseHl7([other.bytes], 'latin-1')[0]?.at('PID', 5, 1), '??????????');
  assert.deepEqual(
    other.remarks.map(({ code }) => code),
    ['hl7.substituted'],
  );
});

test('an identifier is never sent with other characters', () => {
  const report = reportInput([{ film: film({ '00100020': el('LO', 'Ж-17') }) }]);
  assert.throws(
    () => buildOru(oruInput(report), { charset: 'ISO-8859-1' }),
    (error) => error instanceof DeepHealthError && error.code === 'hl7.identifier-unencodable',
  );
  assert.ok(buildOru(oruInput(report)));
});

test('an identifier that would have to be mended is left out, as in the SR, and told', { skip }, () => {
  for (const values of [['AB\rMSH|EVIL'], ['PAT-1', 'PAT-2'], ['A\u0000B']]) {
    const damaged = { vr: 'LO', Value: values };
    const report = reportInput([
      { film: film({ '00100020': damaged, '00380010': damaged, '00080050': { vr: 'SH', Value: values } }) },
    ]);
    const { bytes, remarks } = buildOru(oruInput(report));
    const [message] = parseHl7([bytes]);
    assert.equal(message?.field('PID', 3), '');
    assert.equal(message?.at('PV1', 19), '');
    assert.equal(message?.at('OBR', 18), '');
    assert.ok(remarks.some(({ code }) => code === 'hl7.left-out'));
  }
});

const HOSTILE = '|^~\\&\r\nOBX|99|ST|x||evil\r<script>alert(1)</script> %s %n {{7*7}} \u000b\u001c\u0000';

test('hostile text in every field stays text in its field', { skip }, () => {
  const report = reportInput(
    [
      {
        film: film({
          '00100010': el('PN', { Alphabetic: `${HOSTILE}^${HOSTILE}` }),
          '00100020': el('LO', '|^~\\&%s'),
          '00080050': el('SH', 'A|B^C'),
          '00400275': el('SQ', { '00401002': el('LO', HOSTILE), '00402016': el('LO', '1|2\\F\\') }),
          '00081032': el('SQ', {
            '00080100': el('SH', 'A|B'),
            '00080102': el('SH', '99X'),
            '00080104': el('LO', 'a^b~c&d'),
          }),
        }),
        reading: reading({
          applicability: { status: 'out', reasons: [{ code: 'x', message: HOSTILE }] },
          model: { ...reading().model, name: 'M|^~\\&' },
        }),
      },
    ],
    {},
  );
  for (const version of ['2.5.1', '2.4', '2.3.1'] as const) {
    const message = parsed(report, { version, sendingFacility: 'A|B&C' });
    assert.equal(message.count('OBX'), 9);
    assert.equal(message.at('PID', 3), '|^~\\&%s');
    assert.equal(message.at('OBR', 18), 'A|B^C');
    assert.equal(message.at('OBR', 2), '1|2\\F\\');
    assert.equal(message.at('OBR', 4, 2), 'a^b~c&d');
    assert.equal(message.at('MSH', 4), 'A|B&C');
    assert.match(
      message.at('OBR', 31, 2),
      /^\|\^~\\& OBX\|99\|ST\|x\|\|evil <script>alert\(1\)<\/script> %s %n/,
    );
    assert.match(message.at('PID', 5, 2), /<script>/);
    assert.match(message.at('OBX', 5, 1, 2), /OBX\|99\|ST\|x\|\|evil/);
    assert.equal(message.at('OBX', 17, 2, 4), 'M|^~\\& 1.2.0');
  }
});

test('a megabyte in every text is cut, in an identifier left out, and the message stays small', {
  skip,
}, () => {
  const huge = `|${'x'.repeat(1_000_000)}`;
  const report = reportInput([
    {
      film: film({
        '00100010': el('PN', { Alphabetic: huge }),
        '00100020': el('LO', huge),
        '00400275': el('SQ', { '00401002': el('LO', huge) }),
      }),
      reading: reading({ applicability: { status: 'out', reasons: [{ code: 'x', message: huge }] } }),
    },
  ]);
  const { bytes, remarks } = buildOru(oruInput(report));
  assert.ok(bytes.length < 64 * 1024);
  const [message] = parseHl7([bytes]);
  assert.equal(message?.at('PID', 3), '');
  assert.equal(message?.at('PID', 5).length, 250);
  assert.deepEqual(remarks.map(({ code }) => code).sort(), ['hl7.cut', 'hl7.left-out']);
  assert.match(
    message?.at('OBX', 5, 1, 2) ?? '',
    /To be reviewed by a physician/,
    'the disclaimer is not cut off',
  );
  assert.match(message?.at('OBX', 5, 1, 3) ?? '', /^Model output suggests/);
});

test('a picture file and a film without anything make a message without inventing anything', { skip }, () => {
  const picture = { film: pictureFilm(), contentDigest: 'cd'.repeat(32) };
  for (const report of [reportInput([picture]), CASES.sparse ?? reportInput()]) {
    const message = parsed(report);
    assert.equal(message.field('PID', 3), '');
    assert.equal(message.field('PID', 5), '');
    assert.equal(message.at('PID', 8), 'U');
    assert.equal(message.at('OBR', 7), '');
    assert.equal(message.at('OBX', 5, 1, 1), makeReport(report).studyInstanceUid);
  }
});

test('options of a receiver: enhanced mode, OBR-27, accession as filler, viewer, line breaks', {
  skip,
}, () => {
  const message = parsed(
    reportInput(),
    {
      mode: 'enhanced',
      quantityTiming: true,
      accessionAsFiller: true,
      impression: false,
      lineBreak: 'repetition',
      processing: 'T',
    },
    { viewerUrl: 'https://viewer.example/?a=1&study=2' },
  );
  assert.equal(message.at('MSH', 11), 'T');
  assert.equal(message.at('MSH', 15), 'AL');
  assert.equal(message.at('MSH', 16), 'AL');
  assert.equal(message.field('OBR', 27), '^^^^^R');
  assert.equal(message.at('OBR', 3), 'PHA0001');
  assert.ok(message.repetitions('OBX', 5, 2).length > 5, 'a repetition for each line');
  assert.equal(message.field('OBX', 3, 3), '121071^Finding^DCM', 'no impression');
  const last = message.count('OBX');
  assert.equal(message.field('OBX', 5, last), 'https://viewer.example/?a=1&study=2^application^TX^text/html');
});

test('each segment ends with one CR, nothing else breaks a line, and no field deletes anything', () => {
  for (const input of Object.values(CASES)) {
    const message = new TextDecoder().decode(buildOru(oruInput(input)).bytes);
    assert.ok(message.endsWith('\r') && !message.includes('\r\r') && !message.includes('\n'));
    assert.doesNotMatch(message, /\|""/);
    assert.match(message.slice(0, -1).split('\r').at(-1) ?? '', /^OBX\|/);
  }
});

test('the same input gives the same bytes', () => {
  assert.deepEqual(buildOru(oruInput(rich)).bytes, buildOru(oruInput(rich)).bytes);
});

test('a message id that MSH-10 cannot hold is refused', () => {
  for (const messageId of ['', 'x'.repeat(21), 'a|b', 'a\rb']) {
    assert.throws(
      () => buildOru(oruInput(reportInput(), { messageId })),
      (error) => error instanceof DeepHealthError && error.code === 'hl7.message-id-invalid',
    );
  }
});
