/** A film's bytes lie in memory that the next film is read into: nothing of an opened film may be a view of them. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import type { DeepHealthError } from '../../errors/error.ts';
import type { DicomDataset } from '../dataset.ts';
import { phantomFile } from '../phantom/file.ts';
import { element } from '../phantom/header.ts';
import { createDecoder } from './decode/decoder.ts';
import { openFilm } from './open.ts';
import { DEFAULT_RULES } from './select-rules.ts';

const decoder = createDecoder({ workers: 1 });
after(() => decoder.close());

/** Every piece of memory that something looks at, however deep. */
function memoryOf(value: unknown, found = new Set<ArrayBufferLike>()): Set<ArrayBufferLike> {
  if (ArrayBuffer.isView(value)) found.add(value.buffer);
  else if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) found.add(value);
  else if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(value)) memoryOf(inner, found);
  return found;
}

const bytesOf = (...values: number[]) => Uint8Array.from(values);
const BINARY: DicomDataset = {
  '00091001': { vr: 'OB', Value: [bytesOf(1, 2, 3, 4)] },
  '00091002': { vr: 'UN', Value: [bytesOf(5, 6)] },
  '00091003': {
    vr: 'SQ',
    Value: [
      { '00091004': { vr: 'OW', Value: [bytesOf(7, 8)] }, '00091005': element('LO', 'text') },
      { '00091006': { vr: 'SQ', Value: [{ '00091007': { vr: 'UN', Value: [bytesOf(9, 10)] } }] } },
    ],
  },
  '60003000': { vr: 'OW', Value: [bytesOf(...Array(64).fill(0xff))] },
};

const SMALL = { width: 600, height: 512, attributes: BINARY } as const;

/** The same file with its dataset deflated (PS3.5 A.5). */
function deflated(file: Uint8Array): Uint8Array {
  const explicit = Buffer.from('1.2.840.10008.1.2.1\0', 'latin1');
  const bytes = Buffer.from(file);
  const at = bytes.indexOf(explicit);
  const length = bytes.readUInt32LE(140);
  const meta = Buffer.from(bytes.subarray(0, 144 + length));
  const uid = Buffer.from('1.2.840.10008.1.2.1.99', 'latin1');
  const grown = Buffer.concat([meta.subarray(0, at), uid, meta.subarray(at + explicit.length)]);
  grown.writeUInt16LE(uid.length, at - 2);
  grown.writeUInt32LE(length + uid.length - explicit.length, 140);
  return Buffer.concat([grown, deflateRawSync(bytes.subarray(144 + length))]);
}

const SEEDS = new URL('../../../test/fixtures/fuzz/seeds/', import.meta.url);
const files: Readonly<Record<string, Uint8Array>> = {
  explicit: phantomFile(SMALL),
  implicit: phantomFile({ ...SMALL, syntax: 'implicit' }),
  'explicit of 8 bits': phantomFile({ ...SMALL, bits: 8 }),
  deflated: deflated(phantomFile(SMALL)),
  ...Object.fromEntries(readdirSync(SEEDS).map((name) => [name, readFileSync(new URL(name, SEEDS))])),
};

/** Small films are quick to open. */
const rules = { ...DEFAULT_RULES, minSide: 8 };

test('what is kept of a film stays as it is when its bytes are written over, in every coding', async () => {
  const opened: string[] = [];
  for (const [name, file] of Object.entries(files)) {
    const bytes = new Uint8Array(new ArrayBuffer(2 ** 23), 3, file.length);
    for (const size of ['working', 'full'] as const) {
      bytes.set(file);
      const film = await openFilm(bytes, { decoder, size, rules }).catch((error: unknown) => {
        // The seeds of fuzzing hold two in colours.
        assert.equal((error as DeepHealthError).code, 'film.colour', name);
      });
      if (film === undefined) continue;
      opened.push(name);
      assert.ok(!memoryOf(film).has(bytes.buffer), name);
      for (const memory of memoryOf(film)) assert.ok(!(memory instanceof SharedArrayBuffer), name);
      const before = structuredClone({ dataset: film.dataset, picture: film.picture });
      bytes.fill(0xaa);
      assert.deepEqual({ dataset: film.dataset, picture: film.picture }, before, name);
    }
  }
  for (const name of ['deflated', 'rle.dcm', 'jpeg-ls.dcm', 'htj2k.dcm', 'grey.png', 'grey.jpg'])
    assert.ok(opened.includes(name), name);
});

test('the files above hold bytes at several depths', async () => {
  const { dataset } = await openFilm(files.explicit as Uint8Array, { decoder });
  assert.ok(memoryOf(dataset).size >= 4);
});
