import { type DicomDataset, items, text } from '../dataset.ts';
import type { Film } from '../film/film.ts';
import { type Code, LOINC, SCT } from './codes.ts';
import { legalValue } from './legal.ts';

/**
 * Procedure reported: the film's procedure code, else that of its request, else the site's table by study
 * description, else LOINC by view, else "Imaging procedure" (PS3.16 CID 100 is a baseline group; other codes
 * are allowed).
 */
export function procedureOf(film: Film, table: Readonly<Record<string, Code>>): Code {
  const { dataset, view } = film;
  const requested = items(dataset, '00400275').flatMap((request) => codesOf(request, '00321064'));
  const [coded] = [...codesOf(dataset, '00081032'), ...requested];
  if (coded !== undefined) return coded;
  const description = text(dataset, '00081030')?.toLowerCase();
  const [, configured] =
    Object.entries(table).find(([known]) => known.trim().toLowerCase() === description) ?? [];
  if (configured !== undefined) return configured;
  if (view === 'PA') return LOINC.chestPa;
  if (view === 'AP') return LOINC.chestAp;
  return SCT.imagingProcedure;
}

/**
 * The codes of a code sequence that are complete (value, designator, meaning) and legal; values may stand in
 * CodeValue, LongCodeValue or URNCodeValue.
 */
export function codesOf(dataset: DicomDataset, tag: string): Code[] {
  return items(dataset, tag).flatMap((item) => {
    const part = (vr: string, from: string, whenLong: 'cut' | 'omit'): string | undefined => {
      const value = legalValue(vr, text(item, from) ?? '', whenLong)?.value;
      return typeof value === 'string' ? value : undefined;
    };
    const value =
      part('UC', '00080100', 'omit') ?? part('UC', '00080119', 'omit') ?? part('UC', '00080120', 'omit');
    const scheme = part('SH', '00080102', 'omit');
    const version = part('SH', '00080103', 'omit');
    const meaning = part('LO', '00080104', 'cut');
    if (value === undefined || scheme === undefined || meaning === undefined) return [];
    return [{ value, scheme, meaning, ...(version === undefined ? {} : { version }) }];
  });
}
