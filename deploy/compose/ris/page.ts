import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Mailbox, ReceivedMessage } from './listener.ts';

/** What the fields of a result message are called (HL7 v2.5.1), as far as they are looked at. */
const FIELD_NAMES: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  MSH: {
    3: 'Sending Application',
    4: 'Sending Facility',
    5: 'Receiving Application',
    6: 'Receiving Facility',
    7: 'Date/Time of Message',
    9: 'Message Type',
    10: 'Message Control ID',
    11: 'Processing ID',
    12: 'Version ID',
    18: 'Character Set',
  },
  PID: { 3: 'Patient Identifier', 5: 'Patient Name', 7: 'Date of Birth', 8: 'Sex' },
  PV1: { 2: 'Patient Class', 8: 'Referring Doctor', 19: 'Visit Number' },
  ORC: { 1: 'Order Control', 2: 'Placer Order Number', 3: 'Filler Order Number', 5: 'Order Status' },
  OBR: {
    2: 'Placer Order Number',
    3: 'Filler Order Number',
    4: 'Universal Service Identifier',
    7: 'Observation Date/Time',
    16: 'Ordering Provider',
    18: 'Accession Number',
    22: 'Results Rpt/Status Chng Date/Time',
    24: 'Diagnostic Serv Sect ID',
    25: 'Result Status',
    31: 'Reason for Study',
  },
  TQ1: { 9: 'Priority' },
  OBX: {
    2: 'Value Type',
    3: 'Observation Identifier',
    4: 'Observation Sub-ID',
    5: 'Observation Value',
    6: 'Units',
    8: 'Abnormal Flags',
    11: 'Observation Result Status',
    14: 'Date/Time of the Observation',
    15: "Producer's ID",
    17: 'Observation Method',
    18: 'Equipment Instance Identifier',
    19: 'Date/Time of the Analysis',
  },
};

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 64rem; padding: 0 1rem; color: #1b1f24; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #c8ced6; }
td.value { white-space: pre-line; overflow-wrap: anywhere; }
`;
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** Text of the message as HTML: nothing of it becomes markup. */
function html(value: string): string {
  return value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const ESCAPES: Readonly<Record<string, string>> = {
  F: '|',
  S: '^',
  R: '~',
  T: '&',
  E: '\\',
  '.br': '\n',
  X0A: '\n',
};

/** A field as a person reads it: components apart, escapes resolved. */
function readable(field: string): string {
  return field
    .split('^')
    .filter((component) => component !== '')
    .join(' · ')
    .replace(/\\(F|S|R|T|E|\.br|X0A)\\/g, (_, name: string) => ESCAPES[name] ?? '');
}

function frame(title: string, body: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${html(title)}</title><style>${STYLE}</style>
<h1>${html(title)}</h1>${body}</html>`;
}

/** The value of a segment's field; MSH counts its separator as MSH-1. */
function field(message: ReceivedMessage, segment: string, number: number): string {
  const fields = message.segments.find(([name]) => name === segment);
  return fields?.[segment === 'MSH' ? number - 1 : number] ?? '';
}

function impression(message: ReceivedMessage): string {
  const found = message.segments.find(([name, , , code]) => name === 'OBX' && code?.startsWith('19005-8'));
  return found?.[5] ?? '';
}

function listPage(messages: readonly ReceivedMessage[]): string {
  if (messages.length === 0) return frame('RIS: results received', '<p>Nothing has come yet.</p>');
  const rows = messages.map((message) => {
    const id = html(message.controlId);
    const cells = [
      html(message.firstAt.toISOString()),
      `<a href="/messages/${encodeURIComponent(message.controlId)}">${id}</a>`,
      html(readable(field(message, 'PID', 5))),
      html(readable(field(message, 'OBR', 18))),
      html(field(message, 'OBR', 25)),
      html(readable(impression(message))),
      String(message.times),
    ];
    return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
  });
  const heads = ['Received', 'Message', 'Patient', 'Accession', 'Status', 'Impression', 'Times'];
  return frame(
    'RIS: results received',
    `<table><thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead>
<tbody>${rows.join('')}</tbody></table>`,
  );
}

function messagePage(message: ReceivedMessage): string {
  const tables = message.segments.map(([name = '', ...fields]) => {
    const first = name === 'MSH' ? 2 : 1;
    const rows = fields.flatMap((value, index) => {
      const number = index + first;
      if (value === '' || (name === 'MSH' && number === 2)) return [];
      const called = FIELD_NAMES[name]?.[number] ?? '';
      return [
        `<tr><th scope="row">${name}-${number}</th><td>${called}</td><td class="value">${html(readable(value))}</td></tr>`,
      ];
    });
    return `<h2>${html(name)}</h2><table>${rows.join('')}</table>`;
  });
  return frame(`Message ${message.controlId}`, `<p><a href="/">All messages</a></p>${tables.join('')}`);
}

/**
 * Shows what was received: `/` and `/messages/{control id}` for people, `/api/messages` as JSON, `/livez` for
 * health checks. With a password everything but `/livez` asks for it (HTTP Basic, any user name).
 */
export function createPage(mailbox: Mailbox, password: string | undefined): Server {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const expected = password === undefined ? undefined : digest(password);

  function mayLook({ headers: { authorization = '' } }: IncomingMessage): boolean {
    if (expected === undefined) return true;
    const [scheme = '', token = ''] = authorization.split(' ');
    if (scheme.toLowerCase() !== 'basic') return false;
    const given = Buffer.from(token, 'base64').toString('utf8');
    return timingSafeEqual(digest(given.slice(given.indexOf(':') + 1)), expected);
  }

  function answer(response: ServerResponse, status: number, type: string, body: string): void {
    response.writeHead(status, {
      'content-type': `${type}; charset=utf-8`,
      'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; frame-ancestors 'none'`,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      ...(status === 401 ? { 'www-authenticate': 'Basic realm="RIS", charset="UTF-8"' } : {}),
    });
    response.end(body);
  }

  return createServer((request, response) => {
    const [pathname = '/'] = (request.url ?? '/').split('?');
    const found = /^\/messages\/([^/]+)$/.exec(pathname)?.[1];
    const message = found === undefined ? undefined : mailbox.find(decoded(found));
    if (request.method !== 'GET' && request.method !== 'HEAD')
      answer(response, 405, 'text/plain', 'GET only\n');
    else if (pathname === '/livez') answer(response, 200, 'text/plain', 'alive\n');
    else if (!mayLook(request)) answer(response, 401, 'text/plain', 'Sign in\n');
    else if (pathname === '/') answer(response, 200, 'text/html', listPage(mailbox.list()));
    else if (pathname === '/api/messages') {
      answer(response, 200, 'application/json', JSON.stringify(mailbox.list()));
    } else if (message !== undefined) answer(response, 200, 'text/html', messagePage(message));
    else answer(response, 404, 'text/plain', 'Not found\n');
  });
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}
