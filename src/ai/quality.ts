import type { Remark } from '../dicom/film/film.ts';
import { shareShown } from './cells.ts';
import type { Prepared } from './preparation.ts';
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

const THORAX_CUT: Remark = {
  code: 'thorax-cut',
  message: 'A third of the thorax or more lies outside of the film; only what is on it was read.',
};

/** Share of the thorax's box under which a film is called cut: half is left of one that lost a fifth of each side (0160). */
const SHOWN = 2 / 3;

/** Image quality for the reading (RADLEX RID12 to RID14) from the film's remarks, the framing and the gate. */
export function qualityOf(
  remarks: readonly Remark[],
  { framed, cells }: Pick<Prepared, 'framed' | 'cells'>,
  verdict: GateVerdict | undefined,
): Reading['quality'] {
  const reasons = [
    ...(verdict?.reason ? [verdict.reason] : []),
    ...(framed ? [] : [UNFRAMED]),
    ...(shareShown(cells) < SHOWN ? [THORAX_CUT] : []),
    ...remarks.filter((remark) => LIMITING.includes(remark.code)),
  ];
  if (verdict?.status === 'refuse') return { status: 'non-diagnostic', reasons };
  return { status: reasons.length > 0 ? 'limited' : 'diagnostic', reasons };
}
