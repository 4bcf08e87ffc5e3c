import type { Remark } from '../dicom/film/film.ts';
import type { Reading } from './reading.ts';

/** What the input gate says of a picture: whether it is the kind of picture the model was trained on. */
export interface GateVerdict {
  readonly status: 'pass' | 'refuse';
  readonly reason: Remark | null;
}

/** Remarks of the film pipeline after which a reading is less sure. Others are facts without a fault. */
const LIMITING: readonly string[] = [
  'polarity',
  'raw',
  'sign',
  'voi=auto',
  'voi=lut-damaged',
  'modality=lut-damaged',
  'presentation=contradictory',
  'orientation=oblique',
];

const UNFRAMED: Remark = {
  code: 'framing',
  message: 'The thorax was not found in the film; the middle of the film was read.',
};

/** Image quality for the reading (RADLEX RID12 to RID14) from the film's remarks, the framing and the gate. */
export function qualityOf(
  remarks: readonly Remark[],
  framed: boolean,
  verdict: GateVerdict | undefined,
): Reading['quality'] {
  const reasons = [
    ...(verdict?.reason ? [verdict.reason] : []),
    ...(framed ? [] : [UNFRAMED]),
    ...remarks.filter((remark) => LIMITING.includes(remark.code)),
  ];
  if (verdict?.status === 'refuse') return { status: 'non-diagnostic', reasons };
  return { status: reasons.length > 0 ? 'limited' : 'diagnostic', reasons };
}
