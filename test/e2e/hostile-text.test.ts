/** Names and descriptions that mean harm, from the film to a real archive, a real RIS, the API and the log. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { DicomDataset } from '../../src/dicom/dataset.ts';
import { element } from '../../src/dicom/phantom/header.ts';
import { hasHl7Parser, parseHl7 } from '../peers/hl7-parser.ts';
import { type Orthanc, orthancInstalled, startOrthanc } from '../peers/orthanc.ts';
import { type Ris, risInstalled, startRis } from '../peers/ris.ts';
import { dciodvfy, missingValidators } from '../peers/validators.ts';
import {
  fileFrom,
  film,
  pacsConfig,
  resultsIn,
  risConfig,
  startDaemon,
  studyOf,
  type TestDaemon,
} from './daemon.ts';

const skip =
  [
    ...(orthancInstalled() ? [] : ['Orthanc']),
    ...(risInstalled() && hasHl7Parser ? [] : ['python3-hl7']),
    ...missingValidators(),
  ]
    .map((name) => `${name} is not installed`)
    .at(0) ?? false;

/** Stands in every text, so that it is found wherever a text of a patient must not be. */
const MARK = 'DHMARK';

/** No longer than dciodvfy allows, which counts bytes, and all groups of a name (at each =) together. */
const TEXTS: Readonly<Record<string, string>> = {
  markup: `${MARK}<script>alert(1)</script><b on=x>"'&amp;`,
  'line ends': `${MARK}\r\nPID|1||evil\rOBX|9|ST|forged||yes\nMSA|AA|1`,
  'delimiters of HL7': `${MARK}|^~\\&|\\X0D\\OBX|1\\.br\\`,
  'format and shell': `${MARK}%s%n$(touch /tmp/dh-owned)\`id\`'; DROP TABLE studies;--`,
  'NUL and framing': `${MARK}\0\x0b\x1c\x1b[2J\x1b]0;x\x07`,
  'bidi controls': `${MARK}\u202ee\u2069\u200b`,
  'a megabyte': `${MARK}${'A'.repeat(2 ** 20)}`,
  // What is looked for at the end of a text must not be looked for at every place of it.
  'a megabyte of carets': `${MARK}${'^'.repeat(2 ** 20)}x`,
  'a megabyte of blanks': `${MARK}${' '.repeat(2 ** 20)}x`,
  'a megabyte of separators': `${MARK}${'=^ \0'.repeat(2 ** 18)}x`,
};

let orthanc: Orthanc;
let ris: Ris;
let daemon: TestDaemon;
let folder: string;

before(async () => {
  if (skip !== false) return;
  folder = await mkdtemp(join(tmpdir(), 'hostile-text-'));
  [orthanc, ris] = await Promise.all([startOrthanc(), startRis()]);
  daemon = await startDaemon({ config: { pacs: [pacsConfig(orthanc)], ris: [risConfig(ris)] } });
});

after(async () => {
  await daemon?.remove();
  await Promise.all([orthanc?.stop(), ris?.stop()]);
  if (folder !== undefined) await rm(folder, { recursive: true });
});

function named(text: string): DicomDataset {
  return {
    '00080005': element('CS', 'ISO_IR 192'),
    '00080050': element('SH', text),
    '00080090': { vr: 'PN', Value: [{ Alphabetic: text }] },
    '00081030': element('LO', text),
    '0008103E': element('LO', text),
    '00100010': { vr: 'PN', Value: [{ Alphabetic: text }] },
    '00100020': element('LO', text),
    '00200010': element('SH', text),
  };
}

const SEGMENTS = new Set(['MSH', 'PID', 'PV1', 'ORC', 'OBR', 'TQ1', 'OBX', 'NTE', 'SPM']);

for (const [index, [what, text]] of Object.entries(TEXTS).entries()) {
  test(`${what}: reports are valid, the message has its own segments only, nothing of it is logged`, {
    skip,
  }, async () => {
    // Implicit: a value of a megabyte has no length in explicit form.
    const file = film(1_700 + index, { kind: 'CR', syntax: 'implicit', attributes: named(text) });
    const study = studyOf(file);
    const answer = await daemon.push(file);
    assert.equal(answer.status, 200);
    await answer.body?.cancel();
    await daemon.reaches(study, 'delivered');

    const { reports, heatmaps } = await resultsIn(orthanc, study);
    assert.equal(reports.length, 2);
    for (const uid of [...reports, ...heatmaps]) {
      const path = join(folder, `${uid}.dcm`);
      await writeFile(path, await fileFrom(orthanc, uid));
      const { errors } = await dciodvfy(path);
      assert.deepEqual(errors, [], what);
    }

    const messages = (await ris.received()).filter((message) => message.text.includes(study));
    assert.equal(messages.length, 1);
    const sent = Buffer.from(messages[0]?.text ?? '', 'utf8');
    assert.ok(sent.length < 200_000, `${sent.length} bytes`);
    const [parsed] = parseHl7([sent]);
    assert.ok(parsed !== undefined);
    assert.deepEqual(
      parsed.order.filter((name) => !SEGMENTS.has(name)),
      [],
    );
    for (const name of ['MSH', 'PID', 'OBR']) assert.equal(parsed.count(name), 1, name);
    assert.doesNotMatch(sent.toString('utf8'), /\nPID\|1\|\|evil|\|forged\|/);

    for (const path of [`/api/studies/${study}`, '/api/studies', '/api/triage', '/api/activity']) {
      const shown = await fetch(daemon.url + path);
      assert.equal(shown.status, 200, path);
      assert.match(shown.headers.get('content-type') ?? '', /^application\/json/);
      assert.equal(shown.headers.get('x-content-type-options'), 'nosniff');
      const body = await shown.text();
      assert.ok(body.length < 2 ** 20, path);
      JSON.parse(body);
    }
    const metrics = await (await fetch(`${daemon.url}/metrics`)).text();
    assert.doesNotMatch(metrics, new RegExp(MARK));
    assert.doesNotMatch(daemon.said.join('\n'), new RegExp(MARK));
    for (const line of daemon.said) assert.match(line, /^\{.*\}$/);
  });
}

test('the pages that a person opens hold nothing of a patient, and run nothing that stands in them', {
  skip,
}, async () => {
  const page = await fetch(`${daemon.url}/`);
  assert.doesNotMatch(await page.text(), new RegExp(MARK));
  const policy = page.headers.get('content-security-policy') ?? '';
  assert.match(policy, /script-src 'self'/);
  assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval|\*/);
});
