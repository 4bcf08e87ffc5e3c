import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codedFilms } from '../../../../test/fuzz/codestream.ts';
import { encodedFrame } from '../frame.ts';
import { DEFAULT_FILM_LIMITS } from '../limits.ts';
import { parseDicom } from '../parse.ts';
import { type CodecPicture, codecsMaker } from './codecs.ts';
import { readCodestream } from './codestream.ts';
import { reducedCodecsMaker } from './reduced-codecs.ts';
import { codingOf } from './syntaxes.ts';

async function picturesOfSeeds(): Promise<CodecPicture[]> {
  const pictures: CodecPicture[] = [];
  for (const { file } of await codedFilms()) {
    const { dataset, pixelField, transferSyntax } = await parseDicom(file);
    const { format, fragments } = encodedFrame(dataset, pixelField, transferSyntax, DEFAULT_FILM_LIMITS);
    const coding = codingOf(transferSyntax);
    if (coding === undefined || coding === 'little' || coding === 'big' || coding === 'rle') continue;
    const { codec, bytes, precision, signed } = readCodestream(coding, Buffer.concat(fragments));
    if (codec === 'rle') continue;
    pictures.push({ codec, bytes, rows: format.rows, columns: format.columns, precision, signed });
  }
  return pictures;
}

test('whatever a picture left in the memory of the codecs, the next one comes out as ever', async () => {
  const codecs = codecsMaker(64 * 2 ** 20)();
  const pictures = await picturesOfSeeds();
  const expected = pictures.map((picture) => Buffer.from(codecs.decode(picture)));
  for (const picture of pictures) {
    for (const [index, next] of pictures.entries()) {
      // What a codestream that writes where it likes could do: nothing in the heap is as it was.
      new Uint8Array(codecs.decode(picture).buffer).fill(0xa5);
      assert.deepEqual(Buffer.from(codecs.decode(next)), expected[index]);
    }
  }
});

test('the decoders of a lower resolution forget every picture too', async () => {
  const codecs = reducedCodecsMaker(64 * 2 ** 20)();
  const pictures = (await picturesOfSeeds()).flatMap(({ codec, bytes }) =>
    codec === 'jpeg-2000' || codec === 'htj2k' ? [{ codec, bytes, levels: 1 }] : [],
  );
  assert.equal(pictures.length, 2);
  const expected: Buffer[] = [];
  for (const picture of pictures) expected.push(Buffer.from(await codecs.decode(picture)));
  for (const picture of pictures) {
    for (const [index, next] of pictures.entries()) {
      new Uint8Array((await codecs.decode(picture)).buffer).fill(0xa5);
      assert.deepEqual(Buffer.from(await codecs.decode(next)), expected[index]);
    }
  }
});
