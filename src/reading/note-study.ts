import { text } from '../dicom/dataset.ts';
import type { StudyClaim } from '../ledger/types.ts';
import type { AuditedStudy } from '../observe/audit/events.ts';
import type { AuditInForce } from '../observe/audit/in-force.ts';
import type { Metrics } from '../observe/metrics.ts';
import { patientBlock } from './patient-block.ts';
import type { StudyFilm } from './read-study.ts';

/** Metrics and audit trail of a study that was read. */
export function noteStudyRead(
  { source }: Pick<StudyClaim, 'source'>,
  studyUid: string,
  films: readonly StudyFilm[],
  { metrics, audit }: { readonly metrics: Metrics; readonly audit: AuditInForce },
): void {
  for (const { film, outcome } of films) {
    const { read, decode } = film.timings;
    const { prepare, infer } = outcome.timings;
    metrics.filmRead(source.pacs, outcome.reading, {
      read: read / 1000,
      decode: decode / 1000,
      prepare: prepare / 1000,
      infer: infer / 1000,
    });
  }
  if (!audit.on) return;
  const study = auditedStudy(studyUid, films);
  const archive = films.find(({ instance }) => instance.location.kind === 'pacs')?.instance.location;
  if (archive?.kind === 'pacs')
    audit.record((events) => events.imported(study, { name: archive.pacs }, 'we'));
  audit.record((events) => events.read(study));
}

function auditedStudy(studyUid: string, films: readonly StudyFilm[]): AuditedStudy {
  const [first] = films;
  const instances = new Map<string, string[]>();
  for (const { instance } of films) {
    instances.set(instance.sopClassUid, [...(instances.get(instance.sopClassUid) ?? []), instance.sopUid]);
  }
  if (first === undefined) return { studyUid };
  const { dataset } = first.film;
  const { id, name } = patientBlock(dataset);
  return {
    studyUid,
    instances,
    accessionNumber: text(dataset, '00080050'),
    patient: { id: id ?? 'unknown', name: name ?? 'unknown' },
  };
}
