import { DeepHealthError } from '../../errors/error.ts';
import { type DicomDataset, number, text, texts } from '../dataset.ts';
import type { DicomWebConfig, WebNotice } from './config.ts';
import { checkWindow, type DateWindow, halved } from './date-window.ts';
import { marksIn, parseDicomJson } from './json.ts';
import { readAllPages } from './paging.ts';
import { statusFailure, type Transport } from './transport.ts';
import { checkedUid, isUid } from './uid.ts';

export interface FoundStudy {
  readonly studyInstanceUid: string;
  readonly studyDate: string;
  /** Modalities in Study; empty where the server does not tell. */
  readonly modalities: readonly string[];
  /** Number of Study Related Instances, where the server counts. */
  readonly instanceCount?: number;
}

export interface FoundSeries {
  readonly seriesInstanceUid: string;
  readonly modality?: string;
  readonly instanceCount?: number;
}

export interface FoundInstance {
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly sopInstanceUid: string;
  readonly sopClassUid?: string;
  readonly modality?: string;
  /** The attributes that the selection of films looks at, as far as the server gave them. */
  readonly dataset: DicomDataset;
}

export interface Queries {
  searchStudies(window: DateWindow): Promise<FoundStudy[]>;
  searchSeries(study: string): Promise<FoundSeries[]>;
  searchInstances(study: string): Promise<FoundInstance[]>;
  instanceExists(study: string, sopInstanceUid: string): Promise<boolean>;
  check(): Promise<void>;
}

const MODALITIES = ['CR', 'DX'];

/** Longest code string (PS3.5 6.2), and as many as a study may sensibly have. */
const LONGEST_CS = 16;
const MOST_MODALITIES = 64;

const STUDY_FIELDS = ['00080061', '00081030', '00201206', '00201208'];

/** What standards 4.1 asks at instance level; a server may leave any of it out. */
const INSTANCE_FIELDS = [
  '00080016',
  '00080018',
  '00080060',
  '00080008',
  '00080068',
  '00180015',
  '00185101',
  '00540220',
  '00082218',
  '00280004',
  '00280010',
  '00280011',
  '0020000D',
  '0020000E',
  '0008103E',
  '00181030',
  '00200013',
];

/** What a value takes beside its own bytes once it is parsed, at least. */
const VALUE_BYTES = 16;

type Filters = readonly (readonly [string, string])[];

/** QIDO-RS (PS3.18 10.6) against servers as they are. */
export function createQueries(
  transport: Transport,
  config: Pick<DicomWebConfig, 'name' | 'pageSize' | 'onNotice'>,
): Queries {
  const pageSize = config.pageSize ?? 100;
  // A server that answers 400 to includefield is not asked with it again.
  let includeFields = true;

  function notice(code: WebNotice['code'], message: string): void {
    config.onNotice?.({ code, message });
  }

  async function page(
    path: string,
    filters: Filters,
    fields: readonly string[],
    limit: number,
    offset: number,
  ) {
    const withFields = includeFields && fields.length > 0;
    // A literal comma: Orthanc ignores an encoded one, and repeated parameters but for one.
    const parameters = [
      ...filters.map(([key, value]) => `${key}=${encodeURIComponent(value)}`),
      ...(withFields ? [`includefield=${fields.join(',')}`] : []),
      `limit=${limit}`,
      `offset=${offset}`,
    ];
    const answer = await transport.send({
      method: 'GET',
      path: `${path}?${parameters.join('&')}`,
      headers: { accept: 'application/dicom+json' },
    });
    if (answer.status === 204) {
      await answer.discard();
      return { rows: [], more: false, bytes: 0 };
    }
    const failed = statusFailure(answer);
    if (failed !== undefined) {
      await answer.discard();
      throw answer.status === 413 ? new DeepHealthError('web.query-too-broad') : failed;
    }
    const more = answer.headers('warning').some((warning) => /additional results/i.test(warning));
    const document = await answer.document();
    return { rows: parseDicomJson(document), more, bytes: document.length + VALUE_BYTES * marksIn(document) };
  }

  /** All rows of a query, each UID once. Some old servers say 404 where nothing matches. */
  async function search(
    path: string,
    filters: Filters,
    fields: readonly string[],
    uidTag: string,
  ): Promise<Map<string, DicomDataset>> {
    const ask = () =>
      readAllPages({
        pageSize,
        bytes: 2 * transport.limits.document,
        page: (limit, offset) => page(path, filters, fields, limit, offset),
        uidOf: (row) => {
          const uid = text(row, uidTag);
          return isUid(uid) ? uid : undefined;
        },
        notice,
      });
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof DeepHealthError)) throw error;
      if (error.code === 'web.not-found') return new Map();
      if (error.code !== 'web.bad-request' || !includeFields || fields.length === 0) throw error;
      // Only if it goes without it was that the reason.
      includeFields = false;
      const rows = await ask().catch((again: unknown) => {
        includeFields = true;
        throw again;
      });
      notice('includefield-refused', `${config.name} refuses includefield; it is asked without from now on.`);
      return rows;
    }
  }

  async function studiesOf(modality: string, window: DateWindow): Promise<FoundStudy[]> {
    const range = window.from === window.to ? window.from : `${window.from}-${window.to}`;
    let rows: Map<string, DicomDataset>;
    try {
      rows = await search(
        '/studies',
        [
          ['ModalitiesInStudy', modality],
          ['StudyDate', range],
        ],
        STUDY_FIELDS,
        '0020000D',
      );
    } catch (error) {
      const tooBroad =
        error instanceof DeepHealthError &&
        ['web.query-too-broad', 'web.answer-too-large', 'web.bad-request'].includes(error.code);
      const halves = tooBroad ? halved(window) : undefined;
      if (halves === undefined) throw error;
      return [...(await studiesOf(modality, halves[0])), ...(await studiesOf(modality, halves[1]))];
    }
    const found: FoundStudy[] = [];
    for (const [studyInstanceUid, dataset] of rows) {
      const studyDate = text(dataset, '00080020')?.replace(/[.-]/g, '') ?? '';
      const modalities = texts(dataset, '00080061').flatMap((value) => value.split('\\'));
      const inWindow = /^\d{8}$/.test(studyDate) && studyDate >= window.from && studyDate <= window.to;
      if (!inWindow || (modalities.length > 0 && !modalities.includes(modality))) continue;
      const instanceCount = number(dataset, '00201208');
      found.push({
        studyInstanceUid,
        studyDate,
        // A window of many days is asked in parts, and all of them are kept.
        modalities: modalities.filter((each) => each.length <= LONGEST_CS).slice(0, MOST_MODALITIES),
        ...(instanceCount === undefined ? {} : { instanceCount }),
      });
    }
    if (found.length < rows.size) {
      notice(
        'rows-filtered',
        `${config.name} gave ${rows.size - found.length} studies outside of the query.`,
      );
    }
    return found;
  }

  async function searchStudies(window: DateWindow): Promise<FoundStudy[]> {
    checkWindow(window);
    const found = new Map<string, FoundStudy>();
    for (const modality of MODALITIES) {
      for (const study of await studiesOf(modality, window)) {
        const before = found.get(study.studyInstanceUid);
        // A server may name only the modality that was asked for.
        const modalities = [...new Set([...(before?.modalities ?? []), ...study.modalities])];
        found.set(study.studyInstanceUid, { ...study, modalities });
      }
    }
    return [...found.values()];
  }

  async function searchSeries(study: string): Promise<FoundSeries[]> {
    const rows = await search(`/studies/${checkedUid(study)}/series`, [], [], '0020000E');
    const found: FoundSeries[] = [];
    for (const [seriesInstanceUid, dataset] of rows) {
      if (!belongs(dataset, study)) continue;
      const modality = text(dataset, '00080060');
      const instanceCount = number(dataset, '00201209');
      found.push({
        seriesInstanceUid,
        ...(modality === undefined ? {} : { modality }),
        ...(instanceCount === undefined ? {} : { instanceCount }),
      });
    }
    return found;
  }

  async function searchInstances(study: string): Promise<FoundInstance[]> {
    const path = `/studies/${checkedUid(study)}/instances`;
    const rows = await search(path, [], INSTANCE_FIELDS, '00080018');
    const found: FoundInstance[] = [];
    for (const [sopInstanceUid, dataset] of rows) {
      if (!belongs(dataset, study)) continue;
      const series = text(dataset, '0020000E');
      // Without its series an instance cannot be retrieved: then every series is asked by itself.
      if (!isUid(series)) return instancesBySeries(study);
      found.push(foundInstance(study, series, sopInstanceUid, dataset));
    }
    return found;
  }

  async function instancesBySeries(study: string): Promise<FoundInstance[]> {
    const found: FoundInstance[] = [];
    for (const { seriesInstanceUid, modality } of await searchSeries(study)) {
      const path = `/studies/${study}/series/${seriesInstanceUid}/instances`;
      const rows = await search(path, [], INSTANCE_FIELDS, '00080018');
      for (const [sopInstanceUid, dataset] of rows) {
        if (!belongs(dataset, study)) continue;
        found.push({
          ...(modality === undefined ? {} : { modality }),
          ...foundInstance(study, seriesInstanceUid, sopInstanceUid, dataset),
        });
      }
    }
    return found;
  }

  async function instanceExists(study: string, sopInstanceUid: string): Promise<boolean> {
    const path = `/studies/${checkedUid(study)}/instances`;
    const rows = await search(path, [['SOPInstanceUID', checkedUid(sopInstanceUid)]], [], '00080018');
    const row = rows.get(sopInstanceUid);
    return row !== undefined && belongs(row, study);
  }

  async function check(): Promise<void> {
    await page('/studies', [], [], 1, 0);
  }

  return { searchStudies, searchSeries, searchInstances, instanceExists, check };
}

function foundInstance(
  studyInstanceUid: string,
  seriesInstanceUid: string,
  sopInstanceUid: string,
  dataset: DicomDataset,
): FoundInstance {
  const sopClassUid = text(dataset, '00080016');
  const modality = text(dataset, '00080060');
  return {
    studyInstanceUid,
    seriesInstanceUid,
    sopInstanceUid,
    ...(sopClassUid === undefined ? {} : { sopClassUid }),
    ...(modality === undefined ? {} : { modality }),
    dataset,
  };
}

/** A row under a study's path may leave the study's UID out, but not name another one. */
function belongs(row: DicomDataset, study: string): boolean {
  const named = text(row, '0020000D');
  return named === undefined || named === study;
}
