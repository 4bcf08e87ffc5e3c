import type { ErrorCode } from '../../errors/error.ts';
import { type DicomDataset, items, number, text, texts } from '../dataset.ts';
import type { Film, Remark } from './film.ts';
import { DEFAULT_RULES, type Evidence, type SelectRules } from './select-rules.ts';
import { matches, wordsOf } from './words.ts';

/** Whether an instance is a frontal chest film, and which view as far as its header tells. */
export type Selection =
  | { readonly verdict: 'accept'; readonly view: Film['view']; readonly remarks: readonly Remark[] }
  | { readonly verdict: 'refuse'; readonly code: FilmRefusal; readonly message: string };

/** Codes of refusals: no film, or not one that the model reads. */
export type FilmRefusal = Extract<ErrorCode, `film.${string}`>;

type Refusal = Extract<Selection, { verdict: 'refuse' }>;
type Verdict = 'accept' | 'refuse' | 'unknown' | 'contradictory';

const DX_FOR_PROCESSING = '1.2.840.10008.5.1.4.1.1.1.1.1';
const SECONDARY_CAPTURE = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.7(\.\d+)?$/;
const STRUCTURED_REPORT = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.88\./;

/** Descriptions have one value, or a few. */
const MOST_VALUES = 8;

/** Descriptions of the film itself, and of everything that was done in the visit. */
const SERIES_TEXT = ['0008103E', '00181030', '00181400', '00182111', '00082111'];
const STUDY_TEXT = ['00081030', '00400254', '00081010'];

/**
 * Decides from the header whether an instance is a frontal chest film for presentation. A pure function of the
 * dataset, which may come from a file, WADO-RS metadata or QIDO-RS; what an answer leaves out is not held
 * against it, so the whole header decides in the end.
 */
export function selectFilm(dataset: DicomDataset, rules: SelectRules = DEFAULT_RULES): Selection {
  const refusal =
    refuseObject(dataset, rules) ??
    refusePixels(dataset) ??
    refuseDerived(dataset, rules) ??
    refuseGeometry(dataset, rules);
  if (refusal !== undefined) return refusal;

  const body = bodyVerdict(dataset, rules);
  if (body === 'refuse')
    return refuse('film.body-part', 'The film shows another part of the body than the chest.');
  const view = viewVerdict(dataset, rules);
  if (view === 'refuse')
    return refuse('film.not-frontal', 'The film is a lateral, oblique or other non-frontal view.');

  const remarks: Remark[] = [];
  for (const [verdict, what, code] of [
    [body, 'shows the chest', 'film.body-part-unknown'],
    [view, 'is a frontal view', 'film.view-unknown'],
  ] as const) {
    if (verdict === 'accept') continue;
    const message =
      verdict === 'unknown'
        ? `Nothing in the header says whether the film ${what}.`
        : `The header contradicts itself on whether the film ${what}.`;
    if (rules.unknownView === 'refuse') return refuse(code, message);
    remarks.push({ code: code.replace('film.', ''), message });
  }
  return { verdict: 'accept', view: view === 'accept' ? viewName(dataset, rules) : 'unknown', remarks };
}

function refuse(code: FilmRefusal, message: string): Refusal {
  return { verdict: 'refuse', code, message };
}

/** SOP class, intent and modality. */
function refuseObject(dataset: DicomDataset, rules: SelectRules): Refusal | undefined {
  const sopClass = text(dataset, '00080016');
  const modality = text(dataset, '00080060')?.toUpperCase();
  const filmModality = modality !== undefined && rules.modalities.includes(modality);
  const intent = text(dataset, '00080068')?.toUpperCase();
  if (isOwnObject(dataset, rules, filmModality)) {
    return refuse('film.own-object', 'The object is a result of this service.');
  }
  if (sopClass !== undefined && STRUCTURED_REPORT.test(sopClass)) {
    return refuse('film.not-an-image', 'The object is a structured report.');
  }
  if (sopClass === DX_FOR_PROCESSING || intent === 'FOR PROCESSING') {
    return refuse('film.for-processing', 'The film is raw (FOR PROCESSING), not meant for viewing.');
  }
  if (sopClass !== undefined && SECONDARY_CAPTURE.test(sopClass)) {
    if (!rules.secondaryCapture)
      return refuse('film.secondary-capture', 'The object is a Secondary Capture.');
    if (!filmModality) {
      return refuse(
        'film.secondary-capture',
        'The object is a Secondary Capture of another modality than a film.',
      );
    }
    return undefined;
  }
  if (sopClass !== undefined && !rules.sopClasses.includes(sopClass)) {
    return refuse(
      'film.other-object',
      'The object is of another kind than CR or DX films (by its SOP class).',
    );
  }
  // Modality is missing from some series (PS3.3 makes it type 1 all the same): the SOP class then decides.
  if (modality === undefined ? sopClass === undefined : !filmModality) {
    return refuse('film.other-object', 'The object is of another modality than the selected ones.');
  }
  return undefined;
}

function isOwnObject(dataset: DicomDataset, rules: SelectRules, filmModality: boolean): boolean {
  const makers = textsOf(dataset, ['00080070', '00181016']).map((maker) => wordsOf(maker));
  if (!makers.some((maker) => rules.ownManufacturers.includes(maker))) return false;
  const derived = text(dataset, '00080008')?.toUpperCase() !== 'ORIGINAL';
  return derived && !filmModality;
}

function refusePixels(dataset: DicomDataset): Refusal | undefined {
  const frames = number(dataset, '00280008') ?? 1;
  if (frames > 1) return refuse('film.multi-frame', `The object has ${frames} frames; a film has one.`);
  const photometric = text(dataset, '00280004')?.toUpperCase();
  const samples = number(dataset, '00280002') ?? 1;
  if (samples !== 1 || (photometric !== undefined && !photometric.startsWith('MONOCHROME'))) {
    return refuse('film.colour', 'The object is a colour image; films are grey.');
  }
  return undefined;
}

/** Image Type and what descriptions say of computed pictures (PS3.3 C.7.6.1.1.2). */
function refuseDerived(dataset: DicomDataset, rules: SelectRules): Refusal | undefined {
  const [, second, ...others] = texts(dataset, '00080008').map((value) => value.toUpperCase());
  if (second === 'SECONDARY' && !rules.secondaryCapture) {
    return refuse(
      'film.derived',
      'Image Type says that the picture is not from the examination (SECONDARY).',
    );
  }
  const types = wordsOf(others.join(' '));
  if (rules.derivedTypes.some((pattern) => matches(pattern, types))) {
    return refuse(
      'film.derived',
      'Image Type says that the picture was computed from a film or is a localizer.',
    );
  }
  const derived = textsOf(dataset, SERIES_TEXT).some((description) => {
    const words = wordsOf(description);
    return rules.derivedWords.some((pattern) => matches(pattern, words));
  });
  return derived
    ? refuse('film.derived', 'The description says that the picture was computed from a film.')
    : undefined;
}

function refuseGeometry(dataset: DicomDataset, rules: SelectRules): Refusal | undefined {
  const rows = number(dataset, '00280010');
  const columns = number(dataset, '00280011');
  if (rows === undefined || columns === undefined || rows < 1 || columns < 1) return undefined;
  return refuseSize(rows, columns, rules);
}

/** Size and shape of a film, also of one without a header. */
export function refuseSize(rows: number, columns: number, rules: SelectRules): Refusal | undefined {
  if (Math.min(rows, columns) < rules.minSide) {
    return refuse(
      'film.too-small',
      `The film has ${columns} × ${rows} pixels; the shorter side needs ${rules.minSide}.`,
    );
  }
  const aspect = rows / columns;
  if (aspect <= rules.minAspect || aspect >= rules.maxAspect) {
    return refuse('film.odd-shape', `The film is ${columns} × ${rows} pixels, which no chest film is.`);
  }
  return undefined;
}

/** Chest: the body part first, then the region code, then words of descriptions. */
function bodyVerdict(dataset: DicomDataset, rules: SelectRules): Verdict {
  const coded = weigh(codesOf(dataset, '00082218'), rules.regionCodes);
  const stated = byWords(textsOf(dataset, ['00180015']), rules.bodyParts);
  const described = describedVerdict(dataset, rules.bodyWords);
  if (stated === 'contradictory') return stated;
  const first = stated === 'unknown' ? coded : stated;
  if (first === 'refuse') return 'refuse';
  if (first === 'accept') {
    // Rib, clavicle and spine views are stored under CHEST: then only the series' own words tell.
    return byWords(textsOf(dataset, SERIES_TEXT), rules.bodyWords) === 'refuse' ? 'contradictory' : 'accept';
  }
  // A body part that is no word of ours is another one unless the descriptions say chest.
  if (described === 'unknown' && texts(dataset, '00180015').some((value) => value !== '')) return 'refuse';
  return described;
}

/** Frontal: the view code and position first, then the orientation, then words of descriptions. */
function viewVerdict(dataset: DicomDataset, rules: SelectRules): Verdict {
  const coded = weigh(codesOf(dataset, '00540220'), rules.viewCodes);
  const stated = byWords(textsOf(dataset, ['00185101']), rules.viewPositions);
  if (coded === 'refuse' || stated === 'refuse') return 'refuse';
  // Rows that run to the front or back of the patient show him from the side.
  if (texts(dataset, '00200020').some((direction) => /^[AP]/i.test(direction))) return 'refuse';
  const series = byWords(textsOf(dataset, SERIES_TEXT), rules.viewWords);
  if (coded === 'accept' || stated === 'accept') return series === 'refuse' ? 'contradictory' : 'accept';
  return describedVerdict(dataset, rules.viewWords);
}

/**
 * What descriptions say: those of the series, and where they are silent or name several views those of the
 * study, which often cover a frontal and a lateral film together and then decide nothing.
 */
function describedVerdict(dataset: DicomDataset, evidence: Evidence): Verdict {
  const series = byWords(textsOf(dataset, SERIES_TEXT), evidence);
  if (series === 'accept' || series === 'refuse') return series;
  const study = byWords(textsOf(dataset, STUDY_TEXT), evidence);
  return study === 'unknown' ? series : study;
}

/** Which side's words are found in the texts together. */
function byWords(found: readonly string[], evidence: Evidence): Verdict {
  const spoken = found.map(wordsOf);
  const has = (patterns: readonly string[]) =>
    patterns.some((pattern) => spoken.some((words) => matches(pattern, words)));
  return both(has(evidence.accept), has(evidence.refuse));
}

function weigh(codes: readonly string[], evidence: Evidence): Verdict {
  return both(
    codes.some((code) => evidence.accept.includes(code)),
    codes.some((code) => evidence.refuse.includes(code)),
  );
}

function both(accepted: boolean, refused: boolean): Verdict {
  if (accepted === refused) return accepted ? 'contradictory' : 'unknown';
  return accepted ? 'accept' : 'refuse';
}

function codesOf(dataset: DicomDataset, tag: string): string[] {
  return items(dataset, tag).flatMap((item) => text(item, '00080100') ?? []);
}

function textsOf(dataset: DicomDataset, tags: readonly string[]): string[] {
  return tags.flatMap((tag) => texts(dataset, tag).slice(0, MOST_VALUES));
}

const VIEW_NAMES: readonly {
  readonly view: 'PA' | 'AP';
  readonly codes: readonly string[];
  readonly words: readonly string[];
}[] = [
  {
    view: 'PA',
    codes: ['272479007', 'R-40888', 'R-10214'],
    words: ['PA', 'P A', 'POSTEROANT*', 'POSTERO ANTERIOR'],
  },
  { view: 'AP', codes: ['399348003', 'R-10206'], words: ['AP', 'A P', 'ANTEROPOST*', 'ANTERO POSTERIOR'] },
];

/** PA or AP by the first source that names exactly one of them. */
function viewName(dataset: DicomDataset, rules: SelectRules): Film['view'] {
  const codes = codesOf(dataset, '00540220');
  const sources = [
    textsOf(dataset, ['00185101']),
    textsOf(dataset, SERIES_TEXT),
    textsOf(dataset, STUDY_TEXT),
  ];
  const byCode = VIEW_NAMES.filter((name) => codes.some((code) => name.codes.includes(code)));
  if (byCode.length === 1 && byCode[0] !== undefined) return byCode[0].view;
  for (const source of sources) {
    const spoken = source.map(wordsOf);
    const named = VIEW_NAMES.filter((name) =>
      name.words.some((pattern) => spoken.some((words) => matches(pattern, words))),
    );
    const [only] = named;
    if (named.length === 1 && only !== undefined) return only.view;
    if (byWords(source, rules.viewWords) === 'accept') return 'frontal';
  }
  return 'frontal';
}
