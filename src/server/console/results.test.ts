import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DicomDataset } from '../../dicom/dataset.ts';
import { element } from '../../dicom/phantom/header.ts';
import { oruText } from './oru-text.ts';
import { keepRecent } from './recent.ts';
import { srDocument } from './sr-tree.ts';

const code = (value: string, scheme: string, meaning: string): DicomDataset => ({
  '00080100': element('SH', value),
  '00080102': element('SH', scheme),
  '00080104': element('LO', meaning),
});
const item = (type: string, name: string, more: DicomDataset): DicomDataset => ({
  '0040A010': element('CS', 'CONTAINS'),
  '0040A040': element('CS', type),
  '0040A043': element('SQ', code('1', '99T', name)),
  ...more,
});

test('content items of every kind become text', () => {
  const document = srDocument(
    {
      ...item('CONTAINER', 'Report', {}),
      '0040A491': element('CS', 'COMPLETE'),
      '0040A730': element(
        'SQ',
        item('TEXT', 'Conclusion', { '0040A160': element('UT', 'line one\nline two') }),
        item('CODE', 'Finding', { '0040A168': element('SQ', code('F', 'SCT', 'Normal')) }),
        item('NUM', 'Probability', {
          '0040A300': element('SQ', {
            '0040A30A': element('DS', '12.5'),
            '004008EA': element('SQ', code('%', 'UCUM', 'Percent')),
          }),
        }),
        item('PNAME', 'Person', { '0040A123': element('PN', { Alphabetic: 'Doe^Jane' }) }),
        item('IMAGE', 'Film', { '00081199': element('SQ', { '00081155': element('UI', '1.2.3') }) }),
        { '0040A010': element('CS', 'INFERRED FROM'), '0040DB73': element('UL', 1, 2) },
      ),
    },
    { patient: false },
  );
  assert.equal(document.title, 'Report');
  assert.equal(document.completion, 'COMPLETE');
  assert.deepEqual(
    document.root.items.map(({ name, value }) => [name, value]),
    [
      ['Conclusion', 'line one\nline two'],
      ['Finding', 'Normal'],
      ['Probability', '12.5 %'],
      ['Person', 'not shown'],
      ['Film', '1.2.3'],
      [null, 'item 1.2'],
    ],
  );
});

test('a tree without end is cut off', () => {
  let deep = item('CONTAINER', 'leaf', {});
  for (let i = 0; i < 500; i += 1) deep = item('CONTAINER', 'branch', { '0040A730': element('SQ', deep) });
  const wide = Array.from({ length: 10_000 }, () => item('TEXT', 'x', {}));
  const { root } = srDocument({ '0040A730': element('SQ', deep, ...wide) }, { patient: true });
  assert.ok(root.items.length < 5000);
});

const MESSAGE = [
  'MSH|^~\\&|DH|RADAI|RIS|H|20260101||ORU^R01|X|P|2.5.1||||||8859/1',
  'PID|1||4711^^^H||Müller^Eva||19700101|F',
  'PV1|1|O||||||^Ref^Doc',
  'ORC|RE|P1|F1||CM',
  'OBR|1|P1|F1|C^Chest^L|||2026||||||||^Req||A1|||||2026||RAD|P',
  'ZZZ|secret',
  'OBX|1|CE|C^Finding^L||N^Normal^L||||||P',
].join('\r');

test('a message is decoded by the set that it names, and shown whole where patients may be', () => {
  const bytes = Buffer.from(`${MESSAGE}\r`, 'latin1');
  const { segments, covered } = oruText(bytes, { patient: true });
  assert.equal(segments.length, 7);
  assert.equal(covered, false);
  assert.match(segments[1] ?? '', /Müller/);
});

test('where patients may not be shown, nothing that names person or order is left', () => {
  const { segments, covered } = oruText(Buffer.from(MESSAGE, 'latin1'), { patient: false });
  assert.equal(covered, true);
  const text = segments.join('\n');
  assert.doesNotMatch(text, /4711|ller|1970|Ref|Req|P1\||F1|A1|secret/);
  assert.match(text, /C\^Chest\^L/);
  assert.match(text, /N\^Normal\^L/);
  assert.equal(segments[1], 'PID|1||•••||•••||•••|•••');
});

test('the last few results are kept, failures are not, and work is shared', async () => {
  const recent = keepRecent<number>(2);
  let made = 0;
  const make = async () => {
    made += 1;
    return made;
  };
  assert.deepEqual(await Promise.all([recent.get('a', make), recent.get('a', make)]), [1, 1]);
  await recent.get('b', make);
  await recent.get('a', make);
  await recent.get('c', make);
  assert.equal(await recent.get('a', make), 1);
  assert.equal(await recent.get('b', make), 4, 'it was asked for the longest ago');
  await assert.rejects(recent.get('d', () => Promise.reject(new Error('no'))));
  assert.equal(await recent.get('d', make), 5);
});
