/** What stands in the header of every message. */
export interface SyslogOrigin {
  readonly host: string;
  readonly application: string;
  readonly processId: number;
}

/** Facility 10 (security), severity 5 (notice) or 4 (warning); PS3.15 A.6. */
const PRIORITY = { notice: 10 * 8 + 5, warning: 10 * 8 + 4 } as const;

/**
 * One message by RFC 5424, its text in UTF-8 after a byte order mark. The message id is the one that PS3.15 A.6
 * gives for DICOM audit messages.
 *
 * @param xml without line ends
 */
export function syslogMessage(
  xml: string,
  at: Date,
  severity: keyof typeof PRIORITY,
  { host, application, processId }: SyslogOrigin,
): string {
  const header = `<${PRIORITY[severity]}>1 ${at.toISOString()} ${field(host, 255)} ${field(application, 48)}`;
  return `${header} ${processId} DICOM+RFC3881 - \uFEFF${xml}`;
}

/** Printable US-ASCII without blanks; a hyphen where nothing is left (RFC 5424 6). */
function field(value: string, longest: number): string {
  const printable = value.replaceAll(/[^\x21-\x7e]/g, '').slice(0, longest);
  return printable === '' ? '-' : printable;
}

/** A message as a TLS connection carries it: its length in octets, a blank, the message (RFC 5425 4.3). */
export function framed(message: string): Buffer {
  const bytes = Buffer.from(message, 'utf8');
  return Buffer.concat([Buffer.from(`${bytes.length} `, 'latin1'), bytes]);
}
