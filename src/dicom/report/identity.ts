import { DeepHealthError } from '../../errors/error.ts';
import { text } from '../dataset.ts';
import type { SopReference } from './content.ts';
import type { ReadFilm } from './input.ts';
import { SECONDARY_CAPTURE } from './secondary-capture.ts';
import { hashedUid, isUid } from './uid.ts';

/** Where a film stands in the PACS, and what coordinates on it are counted in. */
export interface FilmIdentity extends SopReference {
  readonly studyUid: string;
  readonly seriesUid: string;
  readonly rows: number;
  readonly columns: number;
}

/**
 * The identities of the films of one report. A picture file has none of its own: its UIDs are made from the
 * digest of its bytes, one study for the pictures given together, and it is stored as a Secondary Capture of
 * our own making so that what the report refers to exists. Throws `report.identity-missing`,
 * `report.films-mixed`.
 */
export function identitiesOf(films: readonly ReadFilm[]): FilmIdentity[] {
  const digests = films.filter(({ film }) => film.kind === 'picture').map(digestOf);
  const pictureStudy = hashedUid('picture-study', ...digests.toSorted());
  const identities = films.map((read) =>
    read.film.kind === 'picture' ? ofPicture(read, pictureStudy) : ofInstance(read),
  );
  const studies = new Set(identities.map(({ studyUid }) => studyUid));
  const models = new Set(
    films.map(({ reading: { model } }) => `${model.name} ${model.version} ${model.sha256}`),
  );
  const instances = new Set(identities.map(({ sopInstanceUid }) => sopInstanceUid));
  if (studies.size !== 1 || models.size !== 1 || instances.size !== films.length) {
    throw new DeepHealthError('report.films-mixed');
  }
  return identities;
}

function digestOf({ contentDigest }: ReadFilm): string {
  if (contentDigest === undefined || !/^[0-9a-f]{64}$/.test(contentDigest)) {
    throw new DeepHealthError('report.identity-missing', 'A picture file needs the digest of its bytes.');
  }
  return contentDigest;
}

function ofPicture(read: ReadFilm, studyUid: string): FilmIdentity {
  const digest = digestOf(read);
  return {
    studyUid,
    seriesUid: hashedUid('picture-series', digest),
    sopClassUid: SECONDARY_CAPTURE,
    sopInstanceUid: hashedUid('picture', digest),
    rows: read.film.picture.height,
    columns: read.film.picture.width,
  };
}

function ofInstance({ film }: ReadFilm): FilmIdentity {
  const uid = (tag: string, name: string): string => {
    const value = text(film.dataset, tag);
    if (value === undefined || !isUid(value)) {
      throw new DeepHealthError(
        'report.identity-missing',
        `The film has no usable ${name}, so no report can point to it.`,
      );
    }
    return value;
  };
  return {
    studyUid: uid('0020000D', 'StudyInstanceUID'),
    seriesUid: uid('0020000E', 'SeriesInstanceUID'),
    sopClassUid: uid('00080016', 'SOPClassUID'),
    sopInstanceUid: uid('00080018', 'SOPInstanceUID'),
    rows: film.rows,
    columns: film.columns,
  };
}
