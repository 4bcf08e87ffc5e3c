import { createHash } from 'node:crypto';
import type { Config } from '../config/schema.ts';
import type { Remark } from '../dicom/film/film.ts';
import { buildOru } from '../hl7/oru.ts';
import { DEFAULT_HL7_PROFILE } from '../hl7/profile.ts';
import type { Results } from './results.ts';

export interface MessageOptions {
  /** The receiver as configured; null makes the message with the default profile (for a folder). */
  readonly receiver: Config['ris'][number] | null;
  /** The study was reported before: OBR-25 and OBX-11 say C. */
  readonly corrects: boolean;
  /** MSH-7. */
  readonly createdAt: Date;
}

/** An HL7 message as bytes, without MLLP framing. */
export interface Message {
  /** MSH-10: the same for the same reading and receiver, so that a receiver can drop a repetition. */
  readonly controlId: string;
  readonly bytes: Uint8Array;
  /** What could not be sent as the film holds it (a character that the receiver's set lacks); no patient data. */
  readonly remarks: readonly Remark[];
}

/** The ORU^R01 of a reading for one receiver. Pure. Throws DeepHealthError `hl7.*`. */
export function makeMessage(results: Results, { receiver, corrects, createdAt }: MessageOptions): Message {
  const { input, report } = results;
  const sr = report.text ?? report.air;
  const controlId = messageId(
    report.studyInstanceUid,
    sr?.sopInstanceUid ?? '',
    receiver?.name ?? '',
    corrects ? 'C' : '',
    String(input.analysedAt.getTime()),
  );
  const { bytes, remarks } = buildOru(
    {
      report: input,
      messageId: controlId,
      createdAt,
      status: corrects ? 'C' : input.options?.flag === 'FINAL' ? 'F' : 'P',
      ...(sr === undefined ? {} : { srInstanceUid: sr.sopInstanceUid }),
    },
    receiver ?? DEFAULT_HL7_PROFILE,
  );
  return { controlId, bytes, remarks };
}

/** 20 characters at most (HL7 2.5.1): `DH` and 18 letters and digits of a hash. */
function messageId(...parts: readonly string[]): string {
  const hash = createHash('sha256').update(parts.join('\u001f')).digest('hex');
  return `DH${BigInt(`0x${hash}`).toString(36).toUpperCase().slice(0, 18)}`;
}
