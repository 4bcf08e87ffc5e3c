/** A media type with its parameters; type and parameter names are lower case, values as written. */
export interface MediaType {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = /[^\s;,="]+/y;
const MAX_LENGTH = 4096;

/**
 * Reads a Content-Type or one Accept entry (RFC 9110 8.3.1). Parameter values may be quoted or not; an
 * unquoted value may hold what RFC 9110 would quote (`type=application/dicom` is common). Undefined when it
 * is absent or not a media type.
 */
export function parseMediaType(header: string | undefined): MediaType | undefined {
  return parseMediaTypes(header)[0];
}

/** Reads a list of media types, as in Accept; entries that are not media types are left out. */
export function parseMediaTypes(header: string | undefined): MediaType[] {
  if (header === undefined || header.length > MAX_LENGTH) return [];
  const found: MediaType[] = [];
  for (const entry of splitOutsideQuotes(header, ',')) {
    const [type = '', ...rest] = splitOutsideQuotes(entry, ';').map((piece) => piece.trim());
    if (!/^[\w!#$&^.+*-]+\/[\w!#$&^.+*-]+$/.test(type)) continue;
    const parameters = new Map<string, string>();
    for (const piece of rest) {
      const equals = piece.indexOf('=');
      if (equals < 1) continue;
      const name = piece.slice(0, equals).trim().toLowerCase();
      if (!parameters.has(name)) parameters.set(name, unquoted(piece.slice(equals + 1).trim()));
    }
    found.push({ type: type.toLowerCase(), parameters });
  }
  return found;
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const pieces: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (quoted && character === '\\') at += 1;
    else if (character === '"') quoted = !quoted;
    else if (!quoted && character === separator) {
      pieces.push(text.slice(start, at));
      start = at + 1;
    }
  }
  pieces.push(text.slice(start));
  return pieces;
}

function unquoted(value: string): string {
  if (!value.startsWith('"')) {
    TOKEN.lastIndex = 0;
    return TOKEN.exec(value)?.[0] ?? '';
  }
  const end = value.endsWith('"') && value.length > 1 ? -1 : undefined;
  return value.slice(1, end).replace(/\\(.)/g, '$1');
}
