import { DeepHealthError } from '../../errors/error.ts';

export type AckCode = 'AA' | 'AE' | 'AR' | 'CA' | 'CE' | 'CR';

/** An acknowledgement as far as transport needs it. Free text of the receiver is not read: it may name patients. */
export interface Ack {
  readonly code: AckCode;
  /** MSA-2: control id of the message that is acknowledged; empty where the receiver left it out. */
  readonly acknowledgedId: string;
  /** MSH-10 of the acknowledgement itself. */
  readonly controlId: string;
  /** Whether MSH-15 asks for a commit acknowledgement of this one. */
  readonly asksCommit: boolean;
  /** ERR-3.1 (table 0357) and ERR-4 of the first ERR segment, where they are codes. */
  readonly errorCode?: string;
  readonly severity?: string;
}

/** What transport reads of a message that is to be sent. */
export interface Envelope {
  /** MSH-10. */
  readonly controlId: string;
  /** Whether MSH-15 or MSH-16 is filled: then a commit acknowledgement may come first (HL7 v2.5.1 2.9.3). */
  readonly enhanced: boolean;
  /** Whether an application acknowledgement follows the commit one (MSH-16). */
  readonly asksApplication: boolean;
  /** Header fields for our own acknowledgements, as written. */
  readonly separator: string;
  readonly fields: readonly string[];
}

const CODES = new Set<string>(['AA', 'AE', 'AR', 'CA', 'CE', 'CR']);

/**
 * Reads the header of a message. Character sets do not matter here: the fields used are ASCII.
 * Throws `mllp.unsendable` without MSH or MSH-10.
 */
export function readEnvelope(message: Uint8Array): Envelope {
  const header = segmentsOf(message)[0] ?? '';
  const separator = header[3];
  if (!header.startsWith('MSH') || separator === undefined) throw new DeepHealthError('mllp.unsendable');
  const fields = header.split(separator);
  // MSH-1 is the separator itself, so MSH-n stands at n-1.
  const controlId = fields[9]?.trim() ?? '';
  if (controlId === '') throw new DeepHealthError('mllp.unsendable');
  const accept = fields[14]?.trim() ?? '';
  const application = fields[15]?.trim() ?? '';
  return {
    controlId,
    enhanced: accept !== '' || application !== '',
    asksApplication: application === 'AL' || application === 'SU' || application === 'ER',
    separator,
    fields,
  };
}

/** Reads an acknowledgement; undefined where the payload is none. */
export function readAck(payload: Uint8Array): Ack | undefined {
  const segments = segmentsOf(payload);
  const header = segments[0] ?? '';
  const separator = header[3];
  if (!header.startsWith('MSH') || separator === undefined) return undefined;
  const component = header[4] ?? '^';
  const msh = header.split(separator);
  const msa = segments.find((segment) => segment.startsWith(`MSA${separator}`))?.split(separator);
  const code = msa?.[1]?.trim().toUpperCase() ?? '';
  if (msa === undefined || !isAckCode(code)) return undefined;
  const err = segments.find((segment) => segment.startsWith(`ERR${separator}`))?.split(separator);
  const errorCode = codeOnly(err?.[3]?.split(component)[0]);
  const severity = codeOnly(err?.[4]);
  const acceptType = msh[14]?.trim().toUpperCase() ?? '';
  const positive = code === 'AA';
  return {
    code,
    acknowledgedId: msa[2]?.trim() ?? '',
    controlId: msh[9]?.trim() ?? '',
    asksCommit: acceptType === 'AL' || acceptType === (positive ? 'SU' : 'ER'),
    ...(errorCode === undefined ? {} : { errorCode }),
    ...(severity === undefined ? {} : { severity }),
  };
}

/**
 * The commit acknowledgement (CA) of an application acknowledgement that asks for one. Sender and receiver
 * are those of our message.
 */
export function commitAck(sent: Envelope, acknowledged: Ack, controlId: string, time: string): Buffer {
  const { separator: s, fields } = sent;
  const field = (number: number): string => fields[number - 1] ?? '';
  const header = ['MSH', field(2), field(3), field(4), field(5), field(6), time, '', 'ACK', controlId];
  const text = `${[...header, field(11), field(12)].join(s)}\r${['MSA', 'CA', acknowledged.controlId].join(s)}\r`;
  return Buffer.from(text, 'latin1');
}

function segmentsOf(payload: Uint8Array): string[] {
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('latin1');
  return text
    .split(/[\r\n]+/)
    .map((segment) => segment.trimStart())
    .filter((segment) => segment !== '');
}

function isAckCode(code: string): code is AckCode {
  return CODES.has(code);
}

/** A short code, or nothing: what is longer or has other characters may be free text. */
function codeOnly(value: string | undefined): string | undefined {
  return value !== undefined && /^[A-Za-z\d]{1,8}$/.test(value) ? value : undefined;
}
