import { SaxesParser } from 'saxes';
import { DeepHealthError } from '../../errors/error.ts';
import type { DicomDataset, DicomValue } from '../dataset.ts';

const MAX_DEPTH = 32;
/** Of elements; and of what may be one, or an attribute, counted before anything is parsed. */
const MAX_NODES = 1_000_000;
const LESS_THAN = 0x3c;
const EQUALS = 0x3d;

interface OpenAttribute {
  readonly tag: string;
  readonly vr: string;
  readonly values: DicomValue[];
}

/**
 * Reads the Native DICOM Model (PS3.19 A.1) as far as a Store Instances Response needs it: text, numbers
 * and sequences; person names and bytes are left empty. Document types and entities beyond XML's own five
 * are not resolved.
 *
 * Throws `web.answer-malformed` where it is no XML, or over a limit.
 */
export function parseDicomXml(document: Uint8Array): DicomDataset {
  if (marksIn(document) > MAX_NODES) throw tooLarge();
  const root: DicomDataset = {};
  const datasets: DicomDataset[] = [root];
  const attributes: OpenAttribute[] = [];
  let value: string | undefined;
  let nodes = 0;
  const parser = new SaxesParser({ xmlns: false });

  parser.on('error', () => {
    // The parser's own message may quote the document.
    throw new DeepHealthError('web.answer-malformed', 'The answer is not XML.');
  });
  parser.on('opentag', (element) => {
    nodes += 1;
    if (nodes > MAX_NODES || datasets.length > MAX_DEPTH) {
      throw tooLarge();
    }
    const { tag, vr } = element.attributes;
    switch (localName(element.name)) {
      case 'DicomAttribute':
        attributes.push({ tag: String(tag).toUpperCase(), vr: String(vr), values: [] });
        break;
      case 'Item':
        datasets.push({});
        break;
      case 'Value':
        value = '';
        break;
    }
  });
  parser.on('text', (characters) => {
    if (value !== undefined) value += characters;
  });
  parser.on('closetag', (element) => {
    switch (localName(element.name)) {
      case 'DicomAttribute': {
        const closed = attributes.pop();
        const owner = datasets.at(-1);
        if (closed === undefined || owner === undefined || !/^[\dA-F]{8}$/.test(closed.tag)) break;
        const vr = /^[A-Z]{2}$/.test(closed.vr) ? closed.vr : 'UN';
        owner[closed.tag] = closed.values.length === 0 ? { vr } : { vr, Value: closed.values };
        break;
      }
      case 'Item': {
        const item = datasets.length > 1 ? datasets.pop() : undefined;
        const owner = attributes.at(-1);
        if (item !== undefined && owner?.vr === 'SQ') owner.values.push(item);
        break;
      }
      case 'Value': {
        const owner = attributes.at(-1);
        if (owner !== undefined && owner.vr !== 'SQ' && value !== undefined) owner.values.push(value.trim());
        value = undefined;
        break;
      }
    }
  });

  parser.write(new TextDecoder('utf-8').decode(document)).close();
  return root;
}

/** How many elements and attributes there can be, at most: the parser gathers those of an element without end. */
function marksIn(document: Uint8Array): number {
  let marks = 0;
  for (const byte of document) if (byte === LESS_THAN || byte === EQUALS) marks += 1;
  return marks;
}

function tooLarge(): DeepHealthError {
  return new DeepHealthError('web.answer-malformed', 'The answer is larger or deeper than allowed.');
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

/**
 * Writes a dataset of text, numbers and sequences as the Native DICOM Model; what a Store Instances
 * Response is made of.
 */
export function writeDicomXml(dataset: DicomDataset): string {
  const body = attributesXml(dataset);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM" xml:space="preserve">${body}</NativeDicomModel>\n`;
}

function attributesXml(dataset: DicomDataset): string {
  let xml = '';
  for (const tag of Object.keys(dataset).sort()) {
    const element = dataset[tag];
    if (element === undefined) continue;
    const values = (element.Value ?? []).map((value, index) => {
      const at = `number="${index + 1}"`;
      if (typeof value === 'string' || typeof value === 'number')
        return `<Value ${at}>${escaped(value)}</Value>`;
      if (element.vr === 'SQ') return `<Item ${at}>${attributesXml(value as DicomDataset)}</Item>`;
      return '';
    });
    xml += `<DicomAttribute tag="${tag}" vr="${element.vr}">${values.join('')}</DicomAttribute>`;
  }
  return xml;
}

function escaped(value: string | number): string {
  return String(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
