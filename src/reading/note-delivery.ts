import { parseDicom } from '../dicom/film/parse.ts';
import type { AuditedStudy } from '../observe/audit/events.ts';
import type { AuditInForce } from '../observe/audit/in-force.ts';
import type { Destination, Shipment } from './deliver.ts';
import { patientBlock } from './patient-block.ts';

/**
 * Tells the audit trail that a result left. Whose it is stands in the bytes themselves: the ledger keeps no
 * patients.
 */
export async function noteDelivery(
  { name, via, address }: Pick<Destination, 'name' | 'via' | 'address'>,
  { studyUid, object, bytes }: Shipment,
  audit: AuditInForce,
): Promise<void> {
  if (!audit.on) return;
  const patient = object.kind === 'oru' ? patientOfMessage(bytes) : await patientOfObject(bytes);
  const study: AuditedStudy = {
    studyUid,
    patient,
    ...(object.sopClassUid === null ? {} : { instances: new Map([[object.sopClassUid, [object.uid]]]) }),
  };
  const to = { name, address };
  if (via === 'pacs') audit.record((events) => events.stored(study, to));
  else audit.record((events) => events.exported(study, to, object.kind === 'oru' ? object.uid : null));
}

async function patientOfObject(bytes: Uint8Array): Promise<{ id: string; name: string } | undefined> {
  // Our own objects; one that cannot be read back is told of without a patient rather than not at all.
  const parsed = await parseDicom(bytes).catch(() => undefined);
  if (parsed === undefined) return undefined;
  const { id, name } = patientBlock(parsed.dataset);
  return { id: id ?? 'unknown', name: name ?? 'unknown' };
}

/** PID-3.1 and PID-5 of a message of ours, which has the usual delimiters. */
function patientOfMessage(bytes: Uint8Array): { id: string; name: string } | undefined {
  const latin = Buffer.from(bytes).toString('latin1');
  const encoding = /^MSH\|(?:[^|\r]*\|){16}8859/.test(latin) ? 'latin1' : 'utf8';
  const pid = /\rPID\|([^\r]*)/.exec(Buffer.from(bytes).toString(encoding))?.[1]?.split('|');
  if (pid === undefined) return undefined;
  const name =
    (pid[4] ?? '')
      .split('~')[0]
      ?.split('^')
      .filter((part) => part !== '')
      .join(', ') ?? '';
  return { id: (pid[2] ?? '').split('^')[0] || 'unknown', name: name || 'unknown' };
}
