/** One syslog message of RFC 5424, taken apart as strictly as its grammar allows. */
export interface SyslogMessage {
  readonly facility: number;
  readonly severity: number;
  readonly at: Date;
  readonly host: string;
  readonly application: string;
  readonly processId: string;
  readonly messageId: string;
  readonly text: string;
}

const PRINTABLE = '[\\x21-\\x7e]';
const HEADER = new RegExp(
  `^<([1-9]?\\d{1,2})>1 (\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d{1,6})?(?:Z|[+-]\\d\\d:\\d\\d)) ` +
    `(${PRINTABLE}{1,255}) (${PRINTABLE}{1,48}) (${PRINTABLE}{1,128}) (${PRINTABLE}{1,32}) - \uFEFF`,
);

export function parseSyslog(message: string): SyslogMessage {
  const [header, priority, at = '', host = '', application = '', processId = '', messageId = ''] =
    HEADER.exec(message) ?? [];
  if (header === undefined) throw new Error(`not RFC 5424: ${JSON.stringify(message.slice(0, 120))}`);
  return {
    facility: Math.floor(Number(priority) / 8),
    severity: Number(priority) % 8,
    at: new Date(at),
    ...{ host, application, processId, messageId },
    text: message.slice(header.length),
  };
}

/** Messages of a stream framed by octet counting (RFC 5425 4.3); throws where a frame does not begin as it must. */
export function parseFrames(stream: Buffer): { readonly messages: readonly string[]; readonly rest: Buffer } {
  const messages: string[] = [];
  let at = 0;
  for (;;) {
    const blank = stream.indexOf(0x20, at);
    if (blank < 0) break;
    const length = stream.toString('latin1', at, blank);
    if (!/^[1-9]\d{0,9}$/.test(length)) throw new Error(`not a frame length: ${length.slice(0, 20)}`);
    const end = blank + 1 + Number(length);
    if (end > stream.length) break;
    messages.push(
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(stream.subarray(blank + 1, end)),
    );
    at = end;
  }
  return { messages, rest: stream.subarray(at) };
}
