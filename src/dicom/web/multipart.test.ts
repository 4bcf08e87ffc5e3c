import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DeepHealthError } from '../../errors/error.ts';
import {
  boundaryOf,
  MULTIPART_LIMITS,
  type MultipartLimits,
  readMultipart,
  writeMultipart,
} from './multipart.ts';

const text = (latin1: string): Buffer => Buffer.from(latin1, 'latin1');

async function* chunked(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    yield bytes.subarray(from, cut);
    from = cut;
  }
}

async function readAll(
  source: AsyncIterable<Uint8Array>,
  boundary = 'B',
  limits: Partial<MultipartLimits> = {},
): Promise<{ headers: Record<string, string>; body: Buffer }[]> {
  const parts: { headers: Record<string, string>; body: Buffer }[] = [];
  for await (const part of readMultipart(source, boundary, { ...MULTIPART_LIMITS, ...limits })) {
    const pieces: Buffer[] = [];
    for await (const piece of part.body) pieces.push(Buffer.from(piece));
    parts.push({ headers: Object.fromEntries(part.headers), body: Buffer.concat(pieces) });
  }
  return parts;
}

async function bodies(message: string, limits: Partial<MultipartLimits> = {}): Promise<string[]> {
  return (await readAll(chunked(text(message), []), 'B', limits)).map(({ body }) => body.toString('latin1'));
}

async function codeOf(read: Promise<unknown>): Promise<string> {
  return read.then(
    () => 'no error',
    (error: unknown) => (error instanceof DeepHealthError ? error.code : String(error)),
  );
}

/** A small reproducible source of numbers from 0 up to (not with) 1. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('a multipart message', () => {
  // Content that looks like delimiters, whole or begun, is content.
  const contents = ['first\r\n--', '\r\n', '', '\r\n--Bx\r\n-\r\n--', '--Bq', '\0\xff\r\r\n\n--\r\n--b--'];
  const message = writeMultipart(
    'application/dicom',
    contents.map((content) => ({
      contentType: 'application/dicom',
      size: content.length,
      open: () => [text(content)],
    })),
    'B',
  );

  async function written(): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    for await (const piece of message.stream()) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  it('is as long as it says', async () => {
    assert.equal((await written()).length, message.contentLength);
  });

  it('comes back as it was written, cut in two at every byte', async () => {
    const bytes = await written();
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const parts = await readAll(chunked(bytes, [cut]));
      assert.deepEqual(
        parts.map(({ body }) => body.toString('latin1')),
        contents,
        `cut at ${cut}`,
      );
    }
  });

  it('comes back as it was written, byte by byte and in 300 random cuttings', async () => {
    const bytes = await written();
    const cuttings = [Array.from(bytes.keys())];
    const next = random(7);
    for (let round = 0; round < 300; round += 1) {
      const cuts = Array.from({ length: Math.floor(next() * 20) }, () => Math.floor(next() * bytes.length));
      cuttings.push(cuts.sort((a, b) => a - b));
    }
    for (const cuts of cuttings) {
      const parts = await readAll(chunked(bytes, cuts));
      assert.deepEqual(
        parts.map(({ body }) => body.toString('latin1')),
        contents,
        `cut at ${cuts}`,
      );
    }
  });

  it('cut off at any byte before its closing delimiter never passes for whole', async () => {
    const bytes = await written();
    const closed = bytes.length - '\r\n'.length;
    for (let end = 0; end < closed; end += 1) {
      assert.equal(await codeOf(readAll(chunked(bytes.subarray(0, end), []))), 'multipart.cut-off', `${end}`);
    }
    assert.equal((await readAll(chunked(bytes.subarray(0, closed), []))).length, contents.length);
  });

  it('of random bytes with pieces of delimiters ends or fails with a code, and never hangs', async () => {
    const next = random(11);
    const pieces = [
      '\r\n',
      '--',
      '--B',
      '\r\n--B',
      '\r\n--B\r\n',
      '--B--',
      ' ',
      ':',
      'a: b',
      '\0',
      '\r\n\r\n',
    ];
    for (let round = 0; round < 5000; round += 1) {
      const made = Array.from(
        { length: Math.floor(next() * 12) },
        () => pieces[Math.floor(next() * pieces.length)],
      );
      const bytes = text(made.join(''));
      const whole = await codeOf(readAll(chunked(bytes, [])));
      const cut = Math.floor(next() * bytes.length);
      assert.match(whole, /^(no error|multipart\.\S+)$/);
      assert.equal(await codeOf(readAll(chunked(bytes, [cut]))), whole, JSON.stringify(made.join('')));
    }
  });

  it('may have a preamble, an epilogue, blanks after delimiters, and no header fields', async () => {
    assert.deepEqual(
      await bodies('hello\r\n--B\r\n\r\none\r\n--B \t\r\nX-Y: z\r\n\r\ntwo\r\n--B--\r\ngoodbye'),
      ['one', 'two'],
    );
  });

  it('may have parts without content, even without the line end before the next delimiter', async () => {
    assert.deepEqual(await bodies('--B\r\nA: b\r\n\r\n\r\n--B\r\nA: b\r\n\r\n--B--'), ['', '']);
  });

  it('without any part is empty', async () => {
    assert.deepEqual(await bodies('--B--'), []);
  });

  it('keeps header fields by lower-case name, folded lines joined', async () => {
    const source = chunked(text('--B\r\nContent-TYPE: a/b;\r\n c=d\r\njunk\r\nX:  1 \r\n\r\nx\r\n--B--'), []);
    const [part] = await readAll(source);
    assert.deepEqual(part?.headers, { 'content-type': 'a/b; c=d', x: '1' });
  });

  it('goes on at the next part when one is left before its end', async () => {
    const seen: string[] = [];
    const source = chunked(text(`--B\r\n\r\n${'x'.repeat(10_000)}\r\n--B\r\nN: 2\r\n\r\ny\r\n--B--`), [5000]);
    for await (const part of readMultipart(source, 'B')) {
      seen.push(part.headers.get('n') ?? 'none');
      for await (const _piece of part.body) break;
    }
    assert.deepEqual(seen, ['none', '2']);
  });

  it('is refused over its limits: part, parts, header, preamble', async () => {
    const parts = '--B\r\n\r\nabc\r\n--B\r\n\r\ndef\r\n--B--';
    assert.equal(await codeOf(bodies(parts, { partBytes: 2 })), 'multipart.too-large');
    assert.equal(await codeOf(bodies(parts, { parts: 1 })), 'multipart.too-many-parts');
    const flood = `--B\r\n${'X: y\r\n'.repeat(100_000)}\r\nabc\r\n--B--`;
    assert.equal(await codeOf(bodies(flood)), 'multipart.malformed');
    assert.equal(await codeOf(bodies(`${'p'.repeat(70_000)}\r\n${parts}`)), 'multipart.too-large');
  });

  it('without an end is refused as soon as a limit is reached', async () => {
    async function* endless(start: string): AsyncGenerator<Uint8Array> {
      yield text(start);
      for (;;) yield Buffer.alloc(65_536, 0x2d);
    }
    assert.equal(
      await codeOf(readAll(endless('--B\r\n\r\n'), 'B', { partBytes: 1e6 })),
      'multipart.too-large',
    );
    assert.equal(await codeOf(readAll(endless('--B\r\nX: '))), 'multipart.malformed');
    assert.equal(await codeOf(readAll(endless(''))), 'multipart.too-large');
  });

  it('passes the failure of its source on', async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield text('--B\r\n\r\nabc');
      throw new Error('connection reset');
    }
    await assert.rejects(readAll(failing()), /connection reset/);
  });
});

describe('the boundary', () => {
  it('is found quoted or not, whatever stands around it', () => {
    for (const header of [
      'multipart/related; type="application/dicom"; boundary=b-1',
      'multipart/related; boundary="b-1"; type=application/dicom',
      'Multipart/Related;BOUNDARY=b-1;type=application/dicom',
      'multipart/related ; type="a;boundary=wrong/x" ; boundary = b-1',
    ]) {
      assert.equal(boundaryOf(header), 'b-1', header);
    }
    assert.equal(boundaryOf('multipart/related; boundary="a b\\"c"'), 'a b"c');
  });

  it('is refused when it is missing, empty, too long or not printable', () => {
    for (const header of [
      undefined,
      '',
      'multipart/related',
      'multipart/related; boundary=',
      'multipart/related; boundary=""',
      `multipart/related; boundary=${'x'.repeat(201)}`,
      'multipart/related; boundary="a\r\nb"',
    ]) {
      assert.equal(boundaryOf(header), undefined, header);
    }
  });
});
