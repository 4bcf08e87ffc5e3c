/**
 * Writes the message samples of docs/integration.md with the code that makes the real messages. With `--check` it
 * changes nothing and ends with 1 when the page holds others.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { makeReport } from '../src/dicom/report/report.ts';
import { commitAck, readAck, readEnvelope } from '../src/hl7/mllp/ack.ts';
import { buildOru } from '../src/hl7/oru.ts';
import type { Hl7Profile } from '../src/hl7/profile.ts';
import { film, READINGS, reportInput } from '../test/fixtures/readings.ts';
import { el } from '../test/fixtures/report-cases.ts';

const PAGE = fileURLToPath(new URL('../docs/integration.md', import.meta.url));

/** A film with an order, of a patient who does not exist. */
const ordered = film({
  '00080050': el('SH', 'ACC0001'),
  '00100021': el('LO', 'HOSP'),
  '00080090': el('PN', { Alphabetic: 'Referrer^Rita^^Dr' }),
  '00400275': el('SQ', {
    '00400026': el('SQ', { '00400031': el('UT', 'HIS') }),
    '00400027': el('SQ', { '00400031': el('UT', 'RIS') }),
    '00401002': el('LO', 'Cough & fever'),
    '00402016': el('LO', 'PL123'),
    '00402017': el('LO', 'FI456'),
  }),
});

function message(
  reading: keyof typeof READINGS,
  { profile = {}, status = 'P' }: { profile?: Partial<Hl7Profile>; status?: 'P' | 'C' } = {},
): string {
  const report = reportInput([{ film: ordered, reading: READINGS[reading] }]);
  const srInstanceUid = makeReport(report).text?.sopInstanceUid ?? '';
  const { bytes } = buildOru(
    {
      ...{ report, status, srInstanceUid },
      messageId: status === 'C' ? 'DH2ND0CORRECTION0001' : 'DH1ST0RESULT00000001',
      createdAt: new Date('2026-03-01T09:17:02Z'),
    },
    profile,
  );
  return lines(bytes);
}

function lines(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8').replaceAll('\r', '\n').trimEnd();
}

/** Our commit acknowledgement of a receiver's application acknowledgement, in enhanced mode. */
function commit(): string {
  const sent = Buffer.from(message('bacterial', { profile: { mode: 'enhanced' } }).replaceAll('\n', '\r'));
  const theirs =
    'MSH|^~\\&|RIS|HOSPITAL|DEEPHEALTH|RADAI|20260301101704||ACK^R01^ACK|RIS42|P|2.5.1|||AL\rMSA|AA|DH1ST0RESULT00000001\r';
  const ack = readAck(Buffer.from(theirs));
  if (ack === undefined) throw new Error('The sample is no acknowledgement');
  return lines(commitAck(readEnvelope(sent), ack, 'DHCOMMIT1', '20260301101704+0100'));
}

const SAMPLES: Readonly<Record<string, () => string>> = {
  bacterial: () => message('bacterial'),
  normal: () => message('normal'),
  abstained: () => message('abstained'),
  correction: () => message('viral', { status: 'C' }),
  'version-2.4': () => message('bacterial', { profile: { version: '2.4' } }),
  'version-2.3.1': () => message('bacterial', { profile: { version: '2.3.1' } }),
  enhanced: () =>
    message('bacterial', { profile: { mode: 'enhanced', srReference: true, quantityTiming: true } }),
  commit,
};

/** The page with every sample made anew. Throws where a sample has no place or a place no sample. */
function withSamples(page: string): string {
  const placed = new Set<string>();
  const made = page.replace(/<!-- sample: ([\w.-]+) -->\n```hl7\n[\s\S]*?```/g, (_, name: string) => {
    const sample = SAMPLES[name];
    if (sample === undefined) throw new Error(`There is no sample ${name}`);
    placed.add(name);
    return `<!-- sample: ${name} -->\n\`\`\`hl7\n${sample()}\n\`\`\``;
  });
  const lost = Object.keys(SAMPLES).filter((name) => !placed.has(name));
  if (lost.length > 0) throw new Error(`docs/integration.md has no place for ${lost.join(', ')}`);
  return made;
}

const page = readFileSync(PAGE, 'utf8');
const current = withSamples(page);
if (!process.argv.includes('--check')) writeFileSync(PAGE, current);
else if (current !== page) {
  process.stderr.write(
    'docs/integration.md holds other messages than the code makes; run node scripts/hl7-samples.ts\n',
  );
  process.exitCode = 1;
}
