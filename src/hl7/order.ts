import { type DicomDataset, items, text, texts, values } from '../dicom/dataset.ts';
import { parseName } from '../dicom/report/legal.ts';
import type { Authority } from './fields.ts';

/** Who and what the film was made for, as far as its header tells; values as the archive holds them. */
export interface Order {
  readonly placer: OrderNumber;
  readonly filler: OrderNumber;
  readonly accession: OrderNumber;
  readonly reason: string | undefined;
}

interface OrderNumber {
  /** Its values: none when it is not known, more than one when the header is wrong. */
  readonly number: readonly string[];
  readonly authority: Authority;
}

/** The order of a film: from its request attributes (the first item), else from the film itself. */
export function orderOf(film: DicomDataset): Order {
  const request: DicomDataset = items(film, '00400275')[0] ?? {};
  const either = (tag: string) => text(request, tag) ?? text(film, tag);
  const numbers = (tag: string) => {
    const asked = identifierIn(request, tag);
    return asked.length > 0 ? asked : identifierIn(film, tag);
  };
  const authority = (tag: string) => authorityOf(items(request, tag)[0] ?? items(film, tag)[0] ?? {});
  return {
    placer: { number: numbers('00402016'), authority: authority('00400026') },
    filler: { number: numbers('00402017'), authority: authority('00400027') },
    accession: { number: numbers('00080050'), authority: authority('00080051') },
    reason: either('00401002') ?? either('00321030'),
  };
}

/** Every value of an identifier that is not empty. A backslash within one splits it, so all of them count. */
export function identifierIn(film: DicomDataset, tag: string): readonly string[] {
  return texts(film, tag).filter((value) => value !== '');
}

/** The issuer of the patient's id. */
export function patientAuthority(film: DicomDataset): Authority {
  return { ...authorityOf(items(film, '00100024')[0] ?? {}), namespace: text(film, '00100021') };
}

function authorityOf(item: DicomDataset): Authority {
  return {
    namespace: text(item, '00400031'),
    universalId: text(item, '00400032'),
    universalIdType: text(item, '00400033'),
  };
}

/** A name of the film, whatever shape it came in. */
export function nameOf(film: DicomDataset, tag: string) {
  return parseName(values(film, tag)[0]) ?? {};
}
