import { createServer, type Server, type Socket } from 'node:net';
import { createFrameReader, frameMessage } from '../../../src/hl7/mllp/frame.ts';

/** A message as it came, and how often. */
export interface ReceivedMessage {
  /** MSH-10. */
  readonly controlId: string;
  /** MSH-9. */
  readonly type: string;
  /** Fields of each segment as sent, the segment's name first; MSH-1 is left out, so MSH-n stands at n-1. */
  readonly segments: readonly (readonly string[])[];
  readonly firstAt: Date;
  /** More than 1: the sender did not see our acknowledgement and sent the same again. */
  times: number;
}

export interface Mailbox {
  /** Newest first. */
  list(): readonly ReceivedMessage[];
  find(controlId: string): ReceivedMessage | undefined;
}

/** Messages that are kept; older ones go. */
const MOST = 500;

/**
 * Listens for HL7 v2 over MLLP. An ORU with a control id gets AA, one that came before too (it is counted, not
 * kept twice); any other message gets AR. Where MSH-15 or MSH-16 asks for enhanced mode, CA goes before.
 * Bytes that are no HL7 get no answer.
 */
export function createListener(now: () => Date = () => new Date()): { server: Server; mailbox: Mailbox } {
  const kept = new Map<string, ReceivedMessage>();
  let answers = 0;

  function take(payload: Buffer): Buffer[] {
    const segments = payload
      .toString('utf8')
      .split(/[\r\n]+/)
      .filter((line) => line !== '')
      .map((line) => line.split('|'));
    const [msh] = segments;
    const controlId = msh?.[9]?.trim() ?? '';
    if (msh?.[0] !== 'MSH' || controlId === '') return [];
    const type = msh[8] ?? '';
    const accepted = type.startsWith('ORU^');
    const known = kept.get(controlId);
    if (accepted && known !== undefined) known.times += 1;
    else if (accepted) {
      kept.set(controlId, { controlId, type, segments, firstAt: now(), times: 1 });
      const [oldest] = kept.keys();
      if (kept.size > MOST && oldest !== undefined) kept.delete(oldest);
    }
    const enhanced = (msh[14] ?? '') !== '' || (msh[15] ?? '') !== '';
    const codes = [...(enhanced ? ['CA'] : []), accepted ? 'AA' : 'AR'];
    return codes.map((code) => acknowledgement(msh, controlId, code));
  }

  function acknowledgement(msh: readonly string[], controlId: string, code: string): Buffer {
    answers += 1;
    const time = now().toISOString().replace(/\D/g, '').slice(0, 14);
    const header = ['MSH', '^~\\&', msh[4], msh[5], msh[2], msh[3], `${time}+0000`, '', 'ACK^R01^ACK'];
    const lines = [
      [...header, `RIS${answers}`, msh[10], msh[11]],
      ['MSA', code, controlId],
    ];
    return frameMessage(Buffer.from(lines.map((fields) => `${fields.join('|')}\r`).join(''), 'utf8'));
  }

  function converse(socket: Socket): void {
    const read = createFrameReader();
    socket.setTimeout(10 * 60_000, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      for (const event of read(bytes)) {
        if (event.kind !== 'frame') continue;
        for (const answer of take(event.payload)) socket.write(answer);
      }
    });
  }

  return {
    server: createServer(converse),
    mailbox: { list: () => [...kept.values()].reverse(), find: (controlId) => kept.get(controlId) },
  };
}
