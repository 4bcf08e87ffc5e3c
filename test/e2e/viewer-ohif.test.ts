/**
 * What a radiologist sees: films and their results in a real Orthanc, opened in a real OHIF with the config of
 * deploy/ohif in a real browser. docs/viewers.md tells of it; DEEP_HEALTH_SCREENSHOTS=1 takes its pictures.
 *
 * The daemon reads phantoms. For each class one is looked for that the shipped model gives this class; where
 * none of a few is found, the class's results are made by the same code from a reading that the test gives,
 * and the test says so.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadModel, type Model } from '../../src/ai/classify.ts';
import type { Label, Reading } from '../../src/ai/reading.ts';
import { configSchema } from '../../src/config/schema.ts';
import { type DicomDataset, items, text as textOf } from '../../src/dicom/dataset.ts';
import { createDecoder } from '../../src/dicom/film/decode/decoder.ts';
import type { Film } from '../../src/dicom/film/film.ts';
import { openFilm } from '../../src/dicom/film/open.ts';
import { parseDicom } from '../../src/dicom/film/parse.ts';
import { element } from '../../src/dicom/phantom/header.ts';
import { contentDigest, makeResults } from '../../src/reading/results.ts';
import { resultSettings } from '../../src/reading/settings.ts';
import { type Ohif, ohifInstalled, startOhif } from '../peers/ohif.ts';
import {
  chromiumInstalled,
  colourOf,
  decoded,
  likeness,
  mirrored,
  openViewer,
  type Pane,
  type Shown,
  type Viewer,
} from '../peers/ohif-page.ts';
import { type Orthanc, orthancInstalled, startOrthanc } from '../peers/orthanc.ts';
import { until } from '../peers/process.ts';
import { dsr2html, missingValidators } from '../peers/validators.ts';
import {
  fileFrom,
  film as filmFile,
  orthancId,
  pacsConfig,
  push,
  resultsIn,
  type StudyRow,
  startDaemon,
  studyOf,
  type TestDaemon,
} from './daemon.ts';

const missing = [
  ...(orthancInstalled() ? [] : ['Orthanc']),
  ...(chromiumInstalled() ? [] : ['Chromium']),
  ...(ohifInstalled() ? [] : ['OHIF']),
];
const skip = missing.length === 0 ? false : `${missing.join(', ')} is not installed`;

/** For a machine that has other work. */
const PATIENCE_MS = 180_000;

const MODEL = fileURLToPath(new URL('../../models/pneumonia-inception-v3', import.meta.url));
const IMAGES = fileURLToPath(new URL('../../docs/images', import.meta.url));
const DISCLAIMER =
  'Result of an automatic image analysis. Not for primary diagnosis. To be reviewed by a physician together with the film.';

/** Readings for classes that no phantom gets. */
const GIVEN: Readonly<Record<Label, Pick<Reading, 'label' | 'pneumonia' | 'probabilities'>>> = {
  normal: {
    label: 'normal',
    pneumonia: 'absent',
    probabilities: { normal: 0.917, 'bacterial-pneumonia': 0.049, 'viral-pneumonia': 0.034 },
  },
  'bacterial-pneumonia': {
    label: 'bacterial-pneumonia',
    pneumonia: 'present',
    probabilities: { normal: 0.021, 'bacterial-pneumonia': 0.936, 'viral-pneumonia': 0.043 },
  },
  'viral-pneumonia': {
    label: 'viral-pneumonia',
    pneumonia: 'present',
    probabilities: { normal: 0.104, 'bacterial-pneumonia': 0.188, 'viral-pneumonia': 0.708 },
  },
};

/** What each class's report must say. */
const SAID: Readonly<Record<Label, RegExp>> = {
  normal: /No sign of pneumonia found by the model .* Pneumonia: Absent Finding: No sign of pneumonia/,
  'bacterial-pneumonia': /suggests bacterial pneumonia .* Pneumonia: Present Finding: Bacterial pneumonia/,
  'viral-pneumonia': /suggests viral pneumonia .* Pneumonia: Present Finding: Viral pneumonia/,
};

/** A film in the archive with its results. */
interface Stored {
  readonly study: string;
  readonly file: Uint8Array;
  readonly film: Film;
  readonly reading: Reading;
  readonly by: 'the daemon' | 'a given reading';
}

let folder: string;
let orthanc: Orthanc;
let ohif: Ohif;
let daemon: TestDaemon;
let viewer: Viewer;
const decoder = createDecoder();
const classes = new Map<Label, Stored>();
let withoutHeatmap: Stored;

before(async () => {
  if (skip !== false) return;
  folder = await mkdtemp(join(tmpdir(), 'dh-viewer-'));
  orthanc = await startOrthanc();
  ohif = await startOhif(orthanc);
  daemon = await startDaemon({ config: { pacs: [pacsConfig(orthanc)] } });
  await storeClasses();
  viewer = await openViewer(ohif);
});

after(async () => {
  await viewer?.close();
  await daemon?.remove();
  await ohif?.stop();
  await orthanc?.stop();
  await decoder.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

/** A film of each class with its results. */
async function storeClasses(): Promise<void> {
  const model = await loadModel(MODEL, { threads: 1 });
  try {
    const found = await phantomOfEachClass(model);
    for (const [index, label] of (Object.keys(GIVEN) as Label[]).entries()) {
      const file = found.get(label);
      if (file !== undefined) classes.set(label, await readByDaemon(file));
      else classes.set(label, await readAsGiven(model, label, filmFile(9200 + index)));
    }
    withoutHeatmap = await readAsGiven(model, 'normal', filmFile(9210), false);
  } finally {
    await model.close();
  }
}

async function phantomOfEachClass(model: Model): Promise<Map<Label, Uint8Array>> {
  const found = new Map<Label, Uint8Array>();
  const findings = ['bacterial', 'viral', 'normal'] as const;
  // Each seed is another study.
  for (let tried = 0; tried < 9 && found.size < 3; tried++) {
    const file = filmFile(9101 + tried, { finding: findings[tried % 3] ?? 'normal' });
    const [outcome] = await model.read([await openFilm(file, { decoder })]);
    const label = outcome?.reading.label ?? null;
    if (label !== null && !found.has(label)) found.set(label, file);
  }
  return found;
}

/** The whole way: the film is in the archive, the daemon is told, fetches it, reads it and stores results. */
async function readByDaemon(...files: readonly [Uint8Array, ...Uint8Array[]]): Promise<Stored> {
  const [file] = files;
  const study = studyOf(file);
  assert.equal((await push(ohif.url, ...files)).status, 200);
  await daemon.api(`/api/studies/${study}`, { method: 'POST' });
  const [reading] = await readingsOf(study, 1);
  assert.ok(reading);
  return { study, file, film: await openFilm(file, { decoder }), reading, by: 'the daemon' };
}

/** What the daemon read in a run, once it has delivered the results. */
async function readingsOf(study: string, run: number): Promise<Reading[]> {
  let row: StudyRow | undefined;
  await until(
    `run ${run} is delivered`,
    async () => {
      row = await daemon.study(study);
      return row?.state === 'delivered' && row.run === run;
    },
    PATIENCE_MS,
  );
  return (row?.readings ?? []).filter((reading) => reading.run === run) as unknown as Reading[];
}

/** The reports of a class that the model gives to no phantom: everything as in the daemon but the answer. */
async function readAsGiven(model: Model, label: Label, file: Uint8Array, heatmaps = true): Promise<Stored> {
  const opened = await openFilm(file, { decoder });
  const [outcome] = await model.read([opened]);
  assert.ok(outcome);
  const reading: Reading = { ...outcome.reading, ...GIVEN[label], abstained: null };
  const map = label === 'normal' ? outcome.maps[0] : { ...outcome.maps[0], label };
  const settings = resultSettings(
    configSchema.parse({ report: { heatmap: { enabled: heatmaps } } }),
    model.manifest,
    '0.0.0',
  );
  const { report } = makeResults(
    [{ film: opened, contentDigest: contentDigest(file), outcome: { reading, maps: [map] } }],
    settings,
    { analysedAt: new Date() },
  );
  const objects = [...report.heatmaps, report.text, report.air].flatMap((object) => object?.bytes ?? []);
  assert.equal((await push(ohif.url, file, ...objects)).status, 200);
  return { study: studyOf(file), file, film: opened, reading, by: 'a given reading' };
}

function classOf(label: Label): Stored {
  const stored = classes.get(label);
  assert.ok(stored);
  return stored;
}

/** The film as it should look. */
function filmPicture({ picture: { width, height, pixels } }: Film): Shown {
  const rgb = new Uint8Array(3 * pixels.length);
  for (const [at, value] of pixels.entries()) rgb.fill(value, 3 * at, 3 * at + 3);
  return { width, height, rgb };
}

/** The stored heat map as Orthanc itself draws it. */
async function heatmapPicture(study: string): Promise<Shown> {
  const { heatmaps } = await resultsIn(orthanc, study);
  const id = await orthancId(orthanc, heatmaps[0] ?? '');
  const { username, password } = orthanc;
  const answer = await fetch(`${orthanc.restUrl}/instances/${id}/preview`, {
    headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` },
  });
  return decoded(Buffer.from(await answer.arrayBuffer()));
}

/** Waits until the viewport shows the picture; a slow look, so that the viewer has the processor. */
async function looksLike(pane: Pane, wanted: Shown, what: string): Promise<void> {
  let seen = -1;
  for (let look = 0; look < PATIENCE_MS / 400; look++) {
    seen = await likeness(await pane.picture(), wanted);
    if (seen > 0.97) return;
    await setTimeout(400);
  }
  assert.fail(`${what} is not drawn: likeness ${seen}`);
}

async function showsFilm(pane: Pane, film: Film): Promise<void> {
  const wanted = filmPicture(film);
  await looksLike(pane, wanted, 'the film');
  const shown = await pane.picture();
  assert.ok(colourOf(shown) < 1, 'a grey picture');
  const turned = await likeness(shown, await mirrored(wanted));
  assert.ok(turned < (await likeness(shown, wanted)) - 0.02, 'right is not left');
}

async function showsHeatmap(pane: Pane, study: string): Promise<void> {
  const wanted = await heatmapPicture(study);
  await looksLike(pane, wanted, 'the heat map');
  assert.ok(colourOf(await pane.picture()) > 10, 'in colours');
  assert.doesNotMatch(await pane.text(), /W:/, 'nothing stands over its legend');
}

/** The report's text once it stands in the viewport. */
async function reportIn(pane: Pane): Promise<string> {
  await until('the report is shown', async () => (await pane.text()).includes(DISCLAIMER), PATIENCE_MS);
  return pane.text();
}

/** The three probabilities in the order of the report, against what the model said. */
function saysProbabilities(text: string, { probabilities }: Reading): void {
  const shares = (
    [
      ['normal', 'normal'],
      ['bacterial pneumonia', 'bacterial-pneumonia'],
      ['viral pneumonia', 'viral-pneumonia'],
    ] as const
  ).map(([words, label]) => {
    const said = new RegExp(`Probability of ${words}: (\\d+(?:\\.\\d)?) %`).exec(text)?.[1];
    assert.ok(said, `no probability of ${words} in ${text}`);
    assert.ok(Math.abs(Number(said) - 100 * probabilities[label]) < 0.15, `${words}: ${said} %`);
    return Math.round(10 * Number(said));
  });
  assert.equal(
    shares.reduce((sum, share) => sum + share, 0),
    1000,
    'they add up to 100 %',
  );
}

function noComplaints(): void {
  assert.deepEqual(viewer.complaints, []);
}

async function screenshot(name: string): Promise<void> {
  if (process.env.DEEP_HEALTH_SCREENSHOTS !== '1') return;
  const file = join(IMAGES, `${name}.png`);
  await viewer.save(file);
  assert.ok((await stat(file)).size < 300_000, `${name} is too large for the docs`);
}

for (const label of Object.keys(GIVEN) as Label[]) {
  test(`${label}: the study opens with film, heat map and report side by side`, { skip }, async (t) => {
    const { study, film, reading, by } = classOf(label);
    t.diagnostic(`results by ${by}`);
    await viewer.open(study);
    await showsFilm(viewer.pane(0), film);
    await showsHeatmap(viewer.pane(1), study);
    const text = await reportIn(viewer.pane(2));
    assert.match(text, /^1\. AI chest film result - not for primary diagnosis Conclusion:/);
    assert.match(text, SAID[label]);
    assert.doesNotMatch(text, /normal film|Finding: Normal/);
    saysProbabilities(text, reading);
    await screenshot(`ohif-${label}`);
    noComplaints();
  });
}

test('an abstention says so first, and a film whose series number is above ours still comes first', {
  skip,
}, async () => {
  const { study, film, reading } = await readByDaemon(
    filmFile(9301, {
      anatomy: 'hand',
      bodyPart: 'CHEST',
      attributes: { '00200011': element('IS', '20001') },
    }),
  );
  assert.equal(reading.label, null);
  await viewer.open(study);
  await showsFilm(viewer.pane(0), film);
  await showsHeatmap(viewer.pane(1), study);
  const text = await reportIn(viewer.pane(2));
  assert.match(text, /Conclusion: No result from the model, pneumonia stays undetermined/);
  assert.match(text, /Pneumonia: Undetermined Reason why no class is given: \S/);
  assert.doesNotMatch(text, /Finding:/);
  saysProbabilities(text, reading);
  await screenshot('ohif-abstained');
  noComplaints();
});

test('a second film that comes late: the newest report is shown, with a section for each film', {
  skip,
}, async () => {
  const uids = { study: '2.25.930201', series: '2.25.930202' };
  const [early, late] = [1, 2].map((instanceNumber) =>
    filmFile(9302, {
      finding: instanceNumber === 1 ? 'bacterial' : 'normal',
      uids: { ...uids, instance: `2.25.93020${2 + instanceNumber}` },
      instanceNumber,
    }),
  );
  assert.ok(early && late);
  const { study, film } = await readByDaemon(early);
  assert.equal((await push(ohif.url, late)).status, 200);
  await daemon.api(`/api/studies/${study}`, { method: 'POST' });
  const readings = await readingsOf(study, 2);
  await viewer.open(study);
  await showsFilm(viewer.pane(0), film);
  const text = await reportIn(viewer.pane(2));
  assert.match(text, /Conclusion: Film 1: \S.* \/ Film 2: \S/);
  const [whole = '', first = '', second = ''] = text.split('Result of one film');
  assert.match(whole, /Pneumonia: (Present|Absent|Undetermined)/);
  for (const [index, section] of [first, second].entries()) {
    assert.match(section, new RegExp(`Film number: ${index + 1} / 2`));
    const reading = readings[index];
    assert.ok(reading);
    saysProbabilities(section, reading);
  }
  const listed = await viewer.series();
  const ours = (entry: string) => /Chest AP|AI heat map|AI report|AI coded/.exec(entry)?.[0];
  assert.deepEqual(listed.map(ours).toSorted(), [
    ...['AI coded', 'AI coded', 'AI heat map', 'AI report', 'AI report', 'Chest AP', 'Chest AP'],
  ]);
  assert.match(
    listed.find((entry) => entry.includes('AI heat map')) ?? '',
    /S:9901 2$/,
    'both in one series',
  );
  const reports = listed.filter((entry) => entry.includes('AI report'));
  assert.deepEqual(
    reports.map((entry) => /S:(\d+)/.exec(entry)?.[1]),
    ['9910', '9900'],
    'the newest first',
  );
  await screenshot('ohif-several');
  noComplaints();
});

test('without our layout: the film opens first, and every series of ours opens by a double click', {
  skip,
}, async () => {
  const { study, film, reading } = classOf('bacterial-pneumonia');
  await viewer.open(study, 'stock');
  const pane = viewer.pane(0);
  await showsFilm(pane, film);
  assert.equal(await viewer.panes(), 1);
  const [first] = await viewer.series();
  assert.match(first ?? '', /^DX Chest AP/);

  await viewer.openSeries('AI heat map');
  await showsHeatmap(pane, study);
  await viewer.openSeries('AI report to read');
  const text = await reportIn(pane);
  assert.match(text, SAID['bacterial-pneumonia']);
  await screenshot('ohif-report');

  await viewer.openSeries('AI coded result');
  await showsFilm(pane, film);
  await until(
    'the numbers are drawn',
    async () => (await pane.text()).includes('Certainty of Finding:'),
    PATIENCE_MS,
  );
  const drawn = await pane.text();
  for (const probability of Object.values(reading.probabilities)) {
    const [whole = '', tenth = ''] = (100 * probability).toFixed(1).split('.');
    // The report rounds so that the three add up, so the last digit may be one off.
    const near = [-1, 0, 1].map((step) => ((10 * Number(whole) + Number(tenth) + step) / 10).toFixed(2));
    assert.ok(
      near.some((share) => drawn.includes(`: ${share} %`)),
      `${near[1]} in ${drawn}`,
    );
  }
  await showsRegion(pane, film, await regionOf(study));
  await screenshot('ohif-coded');
  noComplaints();
});

/** The outline is drawn where it lies on the film, which stands in the middle of the viewport. */
async function showsRegion(pane: Pane, { rows, columns }: Film, region: readonly Point[]): Promise<void> {
  const [outline = []] = (await pane.outlines()).filter(({ length }) => length >= 4);
  const { width, height } = await pane.picture();
  const [drawn, wanted] = [boxOf(outline), boxOf(region)];
  const scale = (drawn.right - drawn.left) / (wanted.right - wanted.left);
  const share = scale / Math.min(width / columns, height / rows);
  assert.ok(share > 0.9 && share < 1.001, `${share} of what would fill the viewport`);
  const onFilm = {
    left: (drawn.left - width / 2) / scale + columns / 2,
    right: (drawn.right - width / 2) / scale + columns / 2,
    top: (drawn.top - height / 2) / scale + rows / 2,
    bottom: (drawn.bottom - height / 2) / scale + rows / 2,
  };
  for (const side of ['left', 'right', 'top', 'bottom'] as const) {
    assert.ok(
      Math.abs(onFilm[side] - wanted[side]) < 2,
      `${side} is drawn at ${onFilm[side]}, not at ${wanted[side]}`,
    );
  }
}

type Point = readonly [number, number];

function boxOf(points: readonly Point[]) {
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
}

/** The outline in the coded report, in columns and rows of the film. */
async function regionOf(study: string): Promise<Point[]> {
  const { reports } = await resultsIn(orthanc, study);
  for (const uid of reports) {
    const { dataset } = await parseDicom(await fileFrom(orthanc, uid));
    const all = [...walk(dataset)];
    const scoord = all.find((item) => textOf(item, '0040A040') === 'SCOORD');
    const points = scoord?.['00700022']?.Value;
    if (points === undefined) continue;
    const numbers = points.map(Number);
    return Array.from({ length: numbers.length / 2 }, (_, at) => [
      numbers[2 * at] ?? Number.NaN,
      numbers[2 * at + 1] ?? Number.NaN,
    ]);
  }
  throw new assert.AssertionError({ message: 'no report has an outline' });
}

function* walk(item: DicomDataset): Generator<DicomDataset> {
  yield item;
  for (const child of items(item, '0040A730')) yield* walk(child);
}

test('heat maps switched off: the film stands beside the report', { skip }, async () => {
  const { study, film } = withoutHeatmap;
  await viewer.open(study);
  await showsFilm(viewer.pane(0), film);
  assert.match(await reportIn(viewer.pane(1)), SAID.normal);
  assert.equal(await viewer.panes(), 2);
  noComplaints();
});

test('a study without our results opens as OHIF opens it', { skip }, async () => {
  const file = filmFile(9303, {});
  assert.equal((await push(ohif.url, file)).status, 200);
  await viewer.open(studyOf(file));
  await showsFilm(viewer.pane(0), await openFilm(file, { decoder }));
  assert.equal(await viewer.panes(), 1);
  noComplaints();
});

const noDcmtk = missingValidators().includes('/usr/bin/dsr2html') ? 'DCMTK is not installed' : false;
test("another renderer: DCMTK's page of the report shows the same, in the same order", {
  skip: skip || noDcmtk,
}, async () => {
  const { study, reading } = classOf('bacterial-pneumonia');
  const { reports } = await resultsIn(orthanc, study);
  const pages = await Promise.all(
    reports.map(async (uid) => {
      const file = join(folder, `${uid}.dcm`);
      await writeFile(file, await fileFrom(orthanc, uid));
      return dsr2html(file);
    }),
  );
  const page = pages.find((html) => html.includes('AI chest film result'));
  assert.ok(page);
  const text = await viewer.show(page);
  assert.match(
    text,
    /Conclusion: Model output suggests bacterial pneumonia .*Bacterial pneumonia.*Not for primary/,
  );
  for (const label of ['normal', 'bacterial pneumonia', 'viral pneumonia']) {
    assert.match(text, new RegExp(`Probability of ${label}`));
  }
  assert.ok(reading.label === 'bacterial-pneumonia');
  await screenshot('dsr2html-report');
  noComplaints();
});
