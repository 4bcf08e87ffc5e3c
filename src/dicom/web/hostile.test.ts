import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DeepHealthError } from '../../errors/error.ts';
import type { DicomDataset } from '../dataset.ts';
import { parseDicomJson, toDicomJson } from './json.ts';
import { parseMediaType } from './media-type.ts';
import { boundaryOf } from './multipart.ts';
import { readStoreResponse, writeStoreResponse } from './store-response.ts';
import { parseDicomXml, writeDicomXml } from './xml.ts';

/** Seeded: a failing round can be made again. */
function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Damages a text: bytes changed, pieces repeated, cut out, or put in from what parsers stumble over. */
function damaged(text: string, random: (below: number) => number, pieces: readonly string[]): string {
  let result = text;
  for (let count = 1 + random(5); count > 0; count -= 1) {
    const at = random(result.length + 1);
    const length = random(12);
    const put =
      [pieces[random(pieces.length)] ?? '', '', result.slice(at, at + length).repeat(2)][random(3)] ?? '';
    result = result.slice(0, at) + put + result.slice(at + length);
  }
  return result;
}

const response: DicomDataset = writeStoreResponse({
  stored: [{ sopClassUid: '1.2.3', sopInstanceUid: '1.2.4', reason: 0xb000 }],
  failed: [{ sopInstanceUid: '1.2.5', reason: 0x0110 }],
  otherFailures: [{ reason: 0xc000 }],
});

function onlyMalformed(read: () => unknown, made: string): void {
  try {
    read();
  } catch (error) {
    assert.ok(
      error instanceof DeepHealthError && error.code === 'web.answer-malformed',
      `${error} for ${made}`,
    );
  }
}

describe('damaged answers', () => {
  it('in JSON are read or refused, and what is read can be used', () => {
    const random = chance(1);
    const pieces = [
      '{',
      '}',
      '[',
      ']',
      '"',
      ':',
      ',',
      'null',
      '1e999',
      '"vr"',
      '"Value"',
      '"SQ"',
      '\\u0000',
      '__proto__',
    ];
    const text = JSON.stringify([toDicomJson(response)]);
    for (let round = 0; round < 20_000; round += 1) {
      const made = damaged(text, random, pieces);
      onlyMalformed(() => {
        for (const dataset of parseDicomJson(made)) {
          readStoreResponse(dataset);
          JSON.stringify(toDicomJson(dataset));
        }
      }, made);
    }
  });

  it('in XML are read or refused, and what is read can be used', () => {
    const random = chance(2);
    const pieces = [
      '<',
      '>',
      '/',
      '&',
      ';',
      '"',
      '<Item>',
      '</Item>',
      '<Value number="1">',
      '<!--',
      ']]>',
      '<![CDATA[',
      '<?x?>',
      '\0',
    ];
    const text = writeDicomXml(response);
    for (let round = 0; round < 10_000; round += 1) {
      const made = damaged(text, random, pieces);
      onlyMalformed(() => readStoreResponse(parseDicomXml(Buffer.from(made))), made);
    }
  });

  it('in their media type are understood or not, never more', () => {
    const random = chance(3);
    const text = 'multipart/related; type="application/dicom"; boundary="abc\\"def"; start=x';
    const pieces = ['"', '\\', ';', '=', ',', ' ', 'boundary=', '\r\n', '\u00e9'];
    for (let round = 0; round < 20_000; round += 1) {
      const made = damaged(text, random, pieces);
      assert.match(parseMediaType(made)?.type ?? 'a/b', /^[^\s/]+\/[^\s/]+$/);
      assert.match(boundaryOf(made) ?? 'x', /^[\x20-\x7e]{1,200}$/);
    }
    assert.equal(parseMediaType(`a/b; ${'x="'.repeat(100_000)}`), undefined);
  });
});
