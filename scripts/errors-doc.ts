/**
 * Writes docs/errors.md from the tables in src/errors/; with --check it only compares and fails when the page
 * is not current.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { AI_ERRORS } from '../src/errors/ai.ts';
import { FILM_ERRORS } from '../src/errors/film.ts';
import { HL7_ERRORS } from '../src/errors/hl7.ts';
import type { ErrorKind } from '../src/errors/kinds.ts';
import { REPORT_ERRORS } from '../src/errors/report.ts';
import { SERVICE_ERRORS } from '../src/errors/service.ts';
import { STORE_ERRORS } from '../src/errors/store.ts';
import { USAGE_ERRORS } from '../src/errors/usage.ts';
import { WEB_ERRORS } from '../src/errors/web.ts';

const PAGE = 'docs/errors.md';
const AREAS: readonly { title: string; table: Readonly<Record<string, ErrorKind>> }[] = [
  { title: 'Commands, configuration and files', table: USAGE_ERRORS },
  { title: 'Films', table: FILM_ERRORS },
  { title: 'The network', table: AI_ERRORS },
  { title: 'Reports', table: REPORT_ERRORS },
  { title: 'DICOMweb', table: WEB_ERRORS },
  { title: 'HL7', table: HL7_ERRORS },
  { title: 'Ledger and queue', table: STORE_ERRORS },
  { title: 'The daemon', table: SERVICE_ERRORS },
];

function page(): string {
  const lines = [
    '# Error codes',
    '',
    'Written by `npm run errors-doc` from `src/errors/`; do not edit. Every failure has a code. The code alone',
    'decides whether the service tries again: *transient* failures are retried with growing, jittered pauses;',
    '*ambiguous* ones (sent, no answer) are retried with the very same bytes; *permanent* ones are parked until',
    'somebody acts (`deep-health studies retry`). Messages never hold patient data.',
  ];
  for (const { title, table } of AREAS) {
    const codes = Object.keys(table).sort();
    if (codes.length === 0) continue;
    lines.push('', `## ${title}`, '', '| code | retry | what happened | what to do |', '|---|---|---|---|');
    for (const code of codes) {
      const kind = table[code];
      if (kind !== undefined)
        lines.push(`| \`${code}\` | ${kind.retry} | ${kind.meaning} | ${kind.remedy} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}

const current = page();
if (process.argv.includes('--check')) {
  let written = '';
  try {
    written = readFileSync(PAGE, 'utf8');
  } catch {
    // A missing page is an outdated page.
  }
  if (written !== current) {
    process.stderr.write(`${PAGE} is not current: run "npm run errors-doc"\n`);
    process.exitCode = 1;
  }
} else {
  writeFileSync(PAGE, current);
}
