import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { type ClientRequest, createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { phantomFile } from '../phantom/file.ts';
import { parseDicomJson } from './json.ts';
import { writeMultipart } from './multipart.ts';
import type { Acceptance, Admission, ReceivedInstance, StowReceipt } from './receive.ts';
import { handleStow, type StowHandling } from './receive-http.ts';
import { REASON, readStoreResponse, type StoreResponse } from './store-response.ts';
import { parseDicomXml } from './xml.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function film(study: number, instance: number, more: Parameters<typeof phantomFile>[0] = {}): Buffer {
  const root = `2.25.${study}`;
  const uids = { study: root, series: `${root}.1`, instance: `${root}.1.${instance}` };
  return Buffer.from(phantomFile({ width: 64, height: 48, seed: study, uids, ...more }));
}

function multipart(files: readonly Uint8Array[], boundary = 'b-0-u-n-d') {
  const message = writeMultipart(
    'application/dicom',
    files.map((file) => ({ contentType: 'application/dicom', size: file.length, open: () => [file] })),
    boundary,
  );
  return {
    async bytes(): Promise<Buffer> {
      const pieces: Uint8Array[] = [];
      for await (const piece of message.stream()) pieces.push(piece);
      return Buffer.concat(pieces);
    },
    headers: { 'content-type': message.contentType },
  };
}

interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
  response: StoreResponse;
}

async function answerTo(request: ClientRequest): Promise<Answer> {
  const [message] = (await once(request, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const type = message.headers['content-type'] ?? '';
  const [dataset] = type.includes('json')
    ? parseDicomJson(text)
    : type.includes('xml')
      ? [parseDicomXml(Buffer.from(text))]
      : [];
  return {
    status: message.statusCode ?? 0,
    headers: message.headers,
    text,
    response: readStoreResponse(dataset ?? {}),
  };
}

describe('STOW-RS receiver', () => {
  let folder: string;
  let port = 0;
  let closeServer: () => Promise<void>;
  // What the receiver does in the test at hand.
  let admission: () => Admission;
  let accept: (instance: ReceivedInstance) => Promise<Acceptance>;
  let handling: Partial<StowHandling>;
  let received: ReceivedInstance[];
  let receipts: StowReceipt[];
  let failures: unknown[];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stow-'));
    const listener = (request: IncomingMessage, response: Parameters<typeof handleStow>[1]): void => {
      const study = /^\/studies\/([^/]+)$/.exec(request.url ?? '')?.[1];
      void handleStow(request, response, {
        folder,
        sink: { admit: () => admission(), accept: (instance) => accept(instance) },
        ...(study === undefined ? {} : { study: decodeURIComponent(study) }),
        beforeAnswer: (receipt) => {
          receipts.push(receipt);
        },
        onFailure: (error) => failures.push(error),
        ...handling,
      });
    };
    const server = createServer(listener);
    server.on('checkContinue', listener);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    port = address !== null && typeof address === 'object' ? address.port : 0;
    closeServer = () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
  });
  beforeEach(async () => {
    admission = () => ({ kind: 'open' });
    accept = async (instance) => {
      received.push(instance);
      return { kind: 'stored' };
    };
    handling = {};
    received = [];
    receipts = [];
    failures = [];
    for (const name of await readdir(folder)) await rm(join(folder, name));
  });
  after(async () => {
    await closeServer();
    await rm(folder, { recursive: true });
  });

  function begin(headers: Record<string, string>, path = '/studies'): ClientRequest {
    return httpRequest({ host: '127.0.0.1', port, method: 'POST', path, headers, agent: false });
  }

  async function send(
    files: readonly Uint8Array[],
    more: { path?: string; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const message = multipart(files);
    const request = begin({ ...message.headers, ...more.headers }, more.path);
    request.end(await message.bytes());
    return answerTo(request);
  }

  describe('takes', () => {
    it('the last film of a request as the last, and says with which study it ended if that was stored', async () => {
      await send([film(1, 1), film(2, 1), film(2, 2)]);
      assert.deepEqual(
        received.map(({ last }) => last),
        [false, false, true],
      );
      assert.equal(receipts[0]?.endedWith, '2.25.2');
      accept = async () => ({ kind: 'duplicate' });
      await send([film(1, 1)]);
      assert.deepEqual([receipts[1]?.studies, receipts[1]?.endedWith], [['2.25.1'], undefined]);
      accept = async ({ last }) => (last ? { kind: 'conflict' } : { kind: 'stored' });
      await send([film(1, 1), film(2, 1)]);
      assert.deepEqual([receipts[2]?.studies, receipts[2]?.endedWith], [['2.25.1'], undefined]);
    });

    it('films of several studies in one request, whole, each in a file of its own', async () => {
      const films = [film(1, 1), film(1, 2), film(2, 1, { kind: 'CR' })];
      const answer = await send(films);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers['content-type'], 'application/dicom+json');
      assert.deepEqual(answer.response.stored, [
        { sopClassUid: '1.2.840.10008.5.1.4.1.1.1.1', sopInstanceUid: '2.25.1.1.1' },
        { sopClassUid: '1.2.840.10008.5.1.4.1.1.1.1', sopInstanceUid: '2.25.1.1.2' },
        { sopClassUid: '1.2.840.10008.5.1.4.1.1.1', sopInstanceUid: '2.25.2.1.1' },
      ]);
      assert.deepEqual([answer.response.failed, answer.response.otherFailures], [[], []]);
      // RetrieveURL is type 2: there, and empty.
      assert.deepEqual(JSON.parse(answer.text)['00081190'], { vr: 'UR' });
      assert.deepEqual(receipts[0]?.studies, ['2.25.1', '2.25.2']);
      assert.equal(receipts[0]?.complete, true);
      for (const [index, { path, sha256: digest, size }] of received.entries()) {
        const expected = films[index] ?? Buffer.alloc(0);
        assert.equal(digest, sha256(expected));
        assert.equal(size, expected.length);
        assert.deepEqual(await readFile(path), expected);
      }
    });

    it('a request in pieces of every size, without a length and without a last line end', async () => {
      const message = multipart([film(3, 1)], 'x');
      const bytes = (await message.bytes()).subarray(0, -2);
      for (const size of [1, 2, 3, 7, 64, 1000, 4096]) {
        const request = begin({ 'content-type': 'multipart/related; type=application/dicom; boundary=x' });
        request.setNoDelay(true);
        // Single bytes only where it matters: round the delimiters and the header.
        const tail = size === 1 ? bytes.length - 300 : bytes.length;
        for (let at = 0; at < bytes.length; ) {
          const end = at < 400 || at >= tail ? at + size : Math.min(tail, at + 4096);
          if (!request.write(bytes.subarray(at, end))) await once(request, 'drain');
          at = end;
        }
        request.end();
        assert.equal((await answerTo(request)).status, 200, `pieces of ${size}`);
      }
      assert.equal(new Set(received.map(({ sha256: digest }) => digest)).size, 1);
    });

    it('a known instance again, when the sink says so, and keeps no second file', async () => {
      accept = async () => ({ kind: 'duplicate' });
      const answer = await send([film(1, 1)]);
      assert.equal(answer.status, 200);
      assert.equal(answer.response.stored[0]?.sopInstanceUid, '2.25.1.1.1');
      assert.deepEqual(await readdir(folder), []);
    });

    it('Expect: 100-continue: the body is asked for', async () => {
      const message = multipart([film(4, 1)]);
      const request = begin({ ...message.headers, expect: '100-continue' });
      request.flushHeaders();
      await once(request, 'continue');
      request.end(await message.bytes());
      assert.equal((await answerTo(request)).status, 200);
    });

    it('every form that Accept may ask for', async () => {
      for (const [accepted, type] of [
        ['*/*', 'application/dicom+json'],
        ['application/json', 'application/dicom+json'],
        ['application/dicom+xml', 'application/dicom+xml'],
        ['application/dicom+json;q=0.2, application/dicom+xml;q=0.9', 'application/dicom+xml'],
      ] as const) {
        const answer = await send([film(1, 1)], { headers: { accept: accepted } });
        assert.equal(answer.headers['content-type'], type, accepted);
        assert.equal(answer.response.stored[0]?.sopInstanceUid, '2.25.1.1.1', accepted);
      }
      assert.equal((await send([film(1, 1)], { headers: { accept: 'text/html' } })).status, 406);
    });

    it('500 MB without holding them in memory', async () => {
      // Three parts of 170 MB, each a real header with endless pixels.
      const header = film(5, 1).subarray(0, -64 * 48 * 2);
      const block = randomBytes(1024 * 1024);
      const blocks = 170;
      const part = {
        contentType: 'application/dicom',
        size: header.length + blocks * block.length,
        *open() {
          yield header;
          for (let count = 0; count < blocks; count += 1) yield block;
        },
      };
      const message = writeMultipart('application/dicom', [part, part, part]);
      let highest = 0;
      const before = process.memoryUsage().rss;
      accept = async ({ path, size }) => {
        await rm(path);
        assert.equal(size, part.size);
        return { kind: 'stored' };
      };
      const request = begin({
        'content-type': message.contentType,
        'content-length': String(message.contentLength),
      });
      for await (const piece of message.stream()) {
        if (!request.write(piece)) await once(request, 'drain');
        highest = Math.max(highest, process.memoryUsage().rss);
      }
      request.end();
      assert.equal((await answerTo(request)).status, 200);
      assert.ok(highest - before < 150e6, `memory grew by ${Math.round((highest - before) / 1e6)} MB`);
    });
  });

  describe('refuses with a reason', () => {
    async function reasonOf(file: Uint8Array, path?: string): Promise<[number, number | undefined]> {
      const answer = await send([file], path === undefined ? {} : { path });
      assert.deepEqual(answer.response.stored, []);
      const named = [...answer.response.failed, ...answer.response.otherFailures];
      assert.equal(named.length, 1);
      assert.deepEqual(await readdir(folder), []);
      return [answer.status, named[0]?.reason];
    }

    it('A900: an instance of another study than the one in the path', async () => {
      assert.deepEqual(await reasonOf(film(1, 1), '/studies/2.25.9'), [409, 0xa900]);
      assert.equal((await send([film(1, 1)], { path: '/studies/2.25.1' })).status, 200);
    });

    it('0122: what is no CR and no DX for presentation', async () => {
      assert.deepEqual(await reasonOf(film(1, 1, { kind: 'SC' })), [409, 0x0122]);
    });

    it('C122: a transfer syntax that is not taken', async () => {
      handling = { acceptsTransferSyntax: (uid) => uid !== '1.2.840.10008.1.2.1' };
      assert.deepEqual(await reasonOf(film(1, 1)), [409, 0xc122]);
    });

    it('C000: what is no DICOM file, or has no usable UIDs', async () => {
      const good = film(1, 1);
      const bad = { '00080018': { vr: 'UI', Value: ['../../etc/passwd'] } };
      for (const file of [
        Buffer.alloc(0),
        Buffer.from('junk'),
        good.subarray(0, 140),
        good.subarray(0, 400),
        film(1, 1, { without: ['0020000D'] }),
        film(1, 1, { attributes: bad }),
        randomBytes(5000),
      ]) {
        assert.deepEqual(await reasonOf(file), [409, 0xc000]);
      }
    });

    it('0111: other bytes under a known UID; what the sink refuses; 0110: the sink failing', async () => {
      accept = async () => ({ kind: 'conflict' });
      assert.deepEqual(await reasonOf(film(1, 1)), [409, 0x0111]);
      accept = async () => ({ kind: 'refused', reason: REASON.cannotUnderstand });
      assert.deepEqual(await reasonOf(film(1, 1)), [409, 0xc000]);
      accept = async () => {
        throw new Error('ledger gone');
      };
      const answer = await send([film(1, 1)]);
      assert.equal(answer.response.failed[0]?.reason, 0x0110);
      assert.equal(failures.length, 1);
      // It may have been recorded before it failed: the file is not taken from under the record.
      assert.equal((await readdir(folder)).length, 1);
    });

    it('A700: with the disk nearly full, naming each instance, writing nothing', async () => {
      admission = () => ({ kind: 'disk-low' });
      const answer = await send([film(1, 1), film(1, 2)]);
      assert.equal(answer.status, 409);
      assert.deepEqual(
        answer.response.failed.map(({ sopInstanceUid, reason }) => [sopInstanceUid, reason]),
        [
          ['2.25.1.1.1', 0xa700],
          ['2.25.1.1.2', 0xa700],
        ],
      );
      assert.deepEqual(await readdir(folder), []);
    });

    it('A700 or 0110: when the folder cannot be written, and goes on with the next request', async () => {
      handling = { folder: join(folder, 'not-there') };
      const answer = await send([film(1, 1)]);
      assert.deepEqual([answer.status, answer.response.failed[0]?.reason], [409, 0x0110]);
      assert.equal(failures.length, 1);
    });

    it('some of many: 202 with both lists', async () => {
      const answer = await send([film(1, 1), Buffer.from('junk'), film(1, 2, { kind: 'SC' }), film(2, 1)]);
      assert.equal(answer.status, 202);
      assert.equal(answer.response.stored.length, 2);
      assert.deepEqual(
        answer.response.failed.map(({ reason }) => reason),
        [0x0122],
      );
      assert.deepEqual(
        answer.response.otherFailures.map(({ reason }) => reason),
        [0xc000],
      );
    });
  });

  describe('turns away before the body', () => {
    it('whom the door refuses: 401, and nothing was read', async () => {
      handling = {
        authorize: () => ({
          status: 401,
          headers: { 'www-authenticate': 'Basic realm="stow"' },
          body: '',
          close: true,
        }),
      };
      const message = multipart([film(1, 1)]);
      const request = begin({ ...message.headers, expect: '100-continue' });
      let asked = false;
      request.on('continue', () => {
        asked = true;
      });
      request.flushHeaders();
      const answer = await answerTo(request);
      assert.deepEqual(
        [answer.status, answer.headers['www-authenticate'], asked],
        [401, 'Basic realm="stow"', false],
      );
      request.destroy();
    });

    it('whom the door refuses in the middle of a large body still reads the answer', async () => {
      handling = { authorize: () => ({ status: 401, headers: {}, body: 'no', close: true }) };
      const answer = await send([Buffer.alloc(3 * 1024 * 1024)]);
      assert.equal(answer.status, 401);
    });

    it('a sender while too much is waiting: 503 with Retry-After', async () => {
      admission = () => ({ kind: 'busy', retryAfterSeconds: 12.2 });
      const answer = await send([film(1, 1)]);
      assert.deepEqual([answer.status, answer.headers['retry-after']], [503, '13']);
    });

    it('what is no multipart of DICOM files: 415; without a boundary, or with a false study: 400', async () => {
      for (const [type, status] of [
        ['application/dicom', 415],
        ['multipart/form-data; boundary=x', 415],
        ['multipart/related; type="application/dicom+json"; boundary=x', 415],
        ['', 415],
        ['multipart/related; type="application/dicom"', 400],
      ] as const) {
        assert.equal((await send([film(1, 1)], { headers: { 'content-type': type } })).status, status, type);
      }
      for (const path of ['/studies/..%2f..', '/studies/abc', `/studies/${'1'.repeat(65)}`]) {
        assert.equal((await send([film(1, 1)], { path })).status, 400, path);
      }
      assert.deepEqual(received, []);
    });

    it('a length over the limit: 413', async () => {
      handling = { limits: { requestBytes: 1000 } };
      assert.equal((await send([film(1, 1)])).status, 413);
    });
  });

  describe('ends a request that', () => {
    it('has no parts, or is not built as multipart: 400', async () => {
      for (const body of ['', 'nothing', '--b-0-u-n-d--\r\n', `--b-0-u-n-d\r\nX: ${'y'.repeat(20_000)}`]) {
        const request = begin(multipart([]).headers);
        request.end(body);
        assert.equal((await answerTo(request)).status, 400, body.slice(0, 30));
      }
    });

    it('ends too early: 400, naming what was whole before, which stays', async () => {
      const message = multipart([film(1, 1), film(1, 2)]);
      const request = begin(message.headers);
      request.end((await message.bytes()).subarray(0, -200));
      const answer = await answerTo(request);
      assert.equal(answer.status, 400);
      assert.deepEqual(
        answer.response.stored.map(({ sopInstanceUid }) => sopInstanceUid),
        ['2.25.1.1.1'],
      );
      assert.equal(receipts[0]?.complete, false);
      assert.equal((await readdir(folder)).length, 1);
    });

    it('is broken off by its sender: what was whole stays, nothing half is left', async () => {
      const message = multipart([film(1, 1), film(1, 2)]);
      const bytes = await message.bytes();
      const request = begin({ ...message.headers, 'content-length': String(bytes.length) });
      request.on('error', () => {});
      request.write(bytes.subarray(0, -200));
      while (received.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      request.destroy();
      while (receipts.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      assert.equal(receipts[0]?.complete, false);
      assert.deepEqual(receipts[0]?.studies, ['2.25.1']);
      assert.equal((await readdir(folder)).length, 1);
    });

    it('has too large a part, too many parts, or is too large without a length: 413', async () => {
      for (const limits of [{ partBytes: 3000 }, { parts: 1 }, { requestBytes: 8000 }]) {
        handling = { limits };
        const message = multipart([film(1, 1), film(1, 2)]);
        const request = begin({ ...message.headers, 'transfer-encoding': 'chunked' });
        request.end(await message.bytes());
        assert.equal((await answerTo(request)).status, 413, JSON.stringify(limits));
      }
      assert.ok((await readdir(folder)).every((name) => name.endsWith('.dcm')));
    });

    it('stalls, or only drips: 408', async () => {
      handling = { limits: { idleMs: 100 } };
      const stalled = begin(multipart([]).headers);
      stalled.write('--b-0-u-n-d\r\n');
      assert.equal((await answerTo(stalled)).status, 408);

      handling = { limits: { idleMs: 200, minBytesPerSecond: 10_000 } };
      const dripping = begin(multipart([]).headers);
      const drip = setInterval(() => dripping.write('x'), 20);
      dripping.write('--b-0-u-n-d\r\n\r\n');
      assert.equal((await answerTo(dripping)).status, 408);
      clearInterval(drip);
    });

    it('never ends: 413 at the limit, and the connection is closed', async () => {
      handling = { limits: { partBytes: 1_000_000 } };
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(
        'POST /studies HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Type: multipart/related; type="application/dicom"; boundary=b\r\n\r\n7\r\n--b\r\n\r\n\r\n',
      );
      const block = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(0x10000), Buffer.from('\r\n')]);
      let answer = '';
      socket.on('data', (chunk: Buffer) => {
        answer += chunk.toString();
      });
      const pour = setInterval(() => socket.writable && socket.write(block), 1);
      await new Promise((resolve) => socket.once('close', resolve));
      clearInterval(pour);
      assert.match(answer, /^HTTP\/1\.1 413 /);
      assert.deepEqual(await readdir(folder), []);
    });
  });
});
