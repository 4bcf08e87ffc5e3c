import { type Code, DCM, SCT, UNITS } from '../codes.ts';
import {
  type AcquisitionContext,
  acquiredIn,
  type Contained,
  code,
  container,
  contains,
  date,
  image,
  num,
  type SopReference,
  time,
} from '../content.ts';

/** A film in the image library. */
export interface LibraryFilm extends SopReference {
  readonly modality: Code;
  /** Projection, or null when the film does not tell. */
  readonly view: Code | null;
  readonly rows: number;
  readonly columns: number;
}

/** When the study was made, as far as the films tell (DA, TM). */
export interface StudyMoment {
  readonly date: string | null;
  readonly time: string | null;
}

/**
 * TID 1600 Image Library with one group for each modality among the films (TID 1602 descriptors of the group
 * are those that its films share, TID 1601 entries, TID 1603 descriptors of projection radiography).
 */
export function imageLibrary(films: readonly LibraryFilm[], study: StudyMoment): Contained {
  const byModality = Map.groupBy(films, ({ modality }) => modality.value);
  return contains(
    container(
      DCM.imageLibrary,
      [...byModality.values()].map((group) =>
        contains(container(DCM.imageLibraryGroup, [...groupDescriptors(group, study), ...group.map(entry)])),
      ),
    ),
  );
}

/** TID 1602 rows 1, 2, 4, 5 at the level of the group. */
function groupDescriptors(group: readonly LibraryFilm[], study: StudyMoment): AcquisitionContext[] {
  const [first] = group;
  return [
    ...(first === undefined ? [] : [acquiredIn(code(DCM.modality, first.modality))]),
    acquiredIn(code(DCM.targetRegion, SCT.chest)),
    ...(study.date === null ? [] : [acquiredIn(date(DCM.studyDate, study.date))]),
    ...(study.time === null ? [] : [acquiredIn(time(DCM.studyTime, study.time))]),
  ];
}

/** TID 1601 row 1 with TID 1603 row 1 and TID 1602 rows 11, 12. */
function entry(film: LibraryFilm): Contained {
  return contains(
    image(null, film, [
      ...(film.view === null ? [] : [acquiredIn(code(DCM.imageView, film.view))]),
      acquiredIn(num(DCM.pixelDataRows, String(film.rows), UNITS.pixels)),
      acquiredIn(num(DCM.pixelDataColumns, String(film.columns), UNITS.pixels)),
    ]),
  );
}
