import { DeepHealthError } from '../../errors/error.ts';
import type { DicomDataset } from '../dataset.ts';
import type { WebNotice } from './config.ts';

/** One page of a query's rows. */
export interface Page {
  readonly rows: readonly DicomDataset[];
  /** The server said that there are more (Warning 299); many never say so. */
  readonly more: boolean;
  /** What its rows take in memory, in bytes. */
  readonly bytes: number;
}

const MAX_PAGES = 10_000;
const MAX_SWEEPS = 5;
const OVERLAP = 5;

/**
 * All rows of a query by limit and offset (PS3.18 8.3.4.4), each UID once. Servers cap pages below the asked
 * limit without a word, ignore the offset, and change their order while they are asked. So the end is an
 * empty page, a page shorter than both the limit and the first page, or one without anything new; each page
 * overlaps the one before, and where the overlap does not match, the whole query is swept again until a sweep
 * finds nothing new. The limit grows with the offset: Orthanc 1.10, when asked for ModalitiesInStudy, counts
 * the skipped rows against the limit, and gives nothing beyond it (docs/decisions/0061). A server that always has new
 * rows is left when they take as much as one answer may: each page by itself is small.
 */
export async function readAllPages(query: {
  readonly pageSize: number;
  /** Bytes that all rows together may take, as a page says of its own. */
  readonly bytes: number;
  readonly page: (limit: number, offset: number) => Promise<Page>;
  /** The row's UID; undefined for a row that has none and is left out. */
  readonly uidOf: (row: DicomDataset) => string | undefined;
  readonly notice: (code: WebNotice['code'], message: string) => void;
}): Promise<Map<string, DicomDataset>> {
  const found = new Map<string, DicomDataset>();
  let malformed = 0;
  let pages = 0;
  let bytes = 0;

  /** One pass over all pages: whether their order held. */
  async function sweep(): Promise<boolean> {
    let stable = true;
    let offset = 0;
    let first: number | undefined;
    let last: readonly (string | undefined)[] = [];
    let overlap = 0;
    const seen = new Set<string>();
    for (;;) {
      pages += 1;
      if (pages > MAX_PAGES) throw new DeepHealthError('web.query-too-broad');
      const { rows, more, bytes: size } = await query.page(offset + query.pageSize, offset);
      const uids = rows.map(query.uidOf);
      let fresh = 0;
      for (const [index, row] of rows.entries()) {
        const uid = uids[index];
        if (uid === undefined) {
          malformed += 1;
          continue;
        }
        if (!seen.has(uid)) fresh += 1;
        seen.add(uid);
        if (found.has(uid)) continue;
        found.set(uid, row);
        bytes += size / rows.length;
      }
      if (bytes > query.bytes) throw new DeepHealthError('web.query-too-broad');
      if (overlap > 0 && rows.length > 0 && !sameRows(last.slice(-overlap), uids)) stable = false;
      first ??= rows.length;
      const short = rows.length < query.pageSize && rows.length < first;
      if (rows.length === 0 || (short && !more) || fresh === 0) return stable;
      // A page that came short must not make the overlap eat up all progress.
      const next = Math.min(OVERLAP, Math.floor(rows.length / 2));
      offset += rows.length - next;
      overlap = next;
      last = uids;
    }
  }

  for (let sweeps = 1; ; sweeps += 1) {
    const before = found.size;
    const stable = await sweep();
    if (stable || (sweeps > 1 && found.size === before)) break;
    if (sweeps === 1)
      query.notice('order-unstable', 'The order of a query changed between pages; it is asked again.');
    if (sweeps === MAX_SWEEPS) break;
  }
  if (malformed > 0) query.notice('rows-malformed', `${malformed} rows of a query had no usable UID.`);
  return found;
}

/** Whether the end of one page is the beginning of the next. */
function sameRows(end: readonly (string | undefined)[], beginning: readonly (string | undefined)[]): boolean {
  return end.every((uid, index) => uid === beginning[index]);
}
