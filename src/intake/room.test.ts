import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type ClientRequest, createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { drawPhantom } from '../dicom/phantom/draw.ts';
import { phantomFile } from '../dicom/phantom/file.ts';
import { parseDicomJson } from '../dicom/web/json.ts';
import { handleStow } from '../dicom/web/receive-http.ts';
import { REASON, readStoreResponse } from '../dicom/web/store-response.ts';
import { openLedger } from '../ledger/ledger.ts';
import { createLog } from '../observe/log.ts';
import { openDataFolder } from './data-folder.ts';
import { createReceiveSink } from './receive.ts';
import { createStorageWatch } from './storage-watch.ts';

const silent = createLog({ level: 'error', pretty: 'never' }, {});
silent.level = 'silent';

const MIB = 2 ** 20;
const PIXELS = drawPhantom({ width: 1232, height: 1232 });
/** 2.9 MiB each. */
const FILMS = [1, 2, 3, 4, 5, 6].map((number) => {
  const root = `2.25.${number}`;
  const uids = { study: root, series: `${root}.1`, instance: `${root}.1.1` };
  return Buffer.from(phantomFile({ pixels: PIXELS, uids }));
});
const [FILM = Buffer.alloc(0)] = FILMS;

/** A receiver whose disk has `room` bytes above its reserve, filled by nothing but films. */
async function receiver(t: TestContext, room: number) {
  const folder = await openDataFolder(await mkdtemp(join(tmpdir(), 'dh-room-')));
  const ledger = await openLedger(join(folder.path, 'ledger.sqlite'));
  const RESERVE = 1000 * MIB;
  const files = () =>
    readdirSync(folder.films, { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder.films, name))
      .map((path) => ({ path, found: statSync(path, { throwIfNoEntry: false }) }))
      .filter(({ found }) => found?.isFile() === true);
  const used = () => files().reduce((sum, { found }) => sum + (found?.size ?? 0), 0);
  const seen = { most: 0, files: 0 };
  const sampler = setInterval(() => {
    seen.most = Math.max(seen.most, used());
    seen.files = Math.max(seen.files, files().length);
  }, 2);
  const disk = { ...folder, free: async () => RESERVE + room - used() };
  const storage = createStorageWatch(disk, () => RESERVE);
  const sink = createReceiveSink({
    ...{ ledger, folder: disk, storage },
    log: silent,
    settleMs: () => 1000,
    stopping: () => false,
  });
  const server = createServer((request, response) => {
    void handleStow(request, response, { sink, folder: folder.films });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  t.after(async () => {
    clearInterval(sampler);
    server.closeAllConnections();
    server.close();
    await ledger.close();
    await rm(folder.path, { recursive: true });
  });

  function begin(length?: number): ClientRequest {
    const request = httpRequest({
      ...{ host: '127.0.0.1', port, method: 'POST', path: '/studies', agent: false },
      headers: {
        'content-type': 'multipart/related; type="application/dicom"; boundary=b',
        ...(length === undefined ? {} : { 'content-length': length }),
      },
    });
    request.on('error', () => {});
    return request;
  }
  return { begin, storage, folder, files, used, seen };
}

const HEAD = '--b\r\nContent-Type: application/dicom\r\n\r\n';
const TAIL = '\r\n--b--\r\n';

/** The Failure Reason of the one instance of a request; undefined where it was stored. */
async function reasonOf(request: ClientRequest): Promise<number | undefined> {
  const [message] = (await once(request, 'response')) as [IncomingMessage];
  const text = await message.setEncoding('utf8').reduce((all: string, piece: string) => all + piece, '');
  const { failed } = readStoreResponse(parseDicomJson(text)[0] ?? {});
  assert.ok(failed.length === 0 || failed[0]?.sopInstanceUid !== undefined, 'the instance is named');
  return failed[0]?.reason;
}

function send(request: ClientRequest, film: Buffer): Promise<number | undefined> {
  request.end(Buffer.concat([Buffer.from(HEAD), film, Buffer.from(TAIL)]));
  return reasonOf(request);
}

async function until(holds: () => boolean): Promise<void> {
  for (let times = 0; !holds(); times++) {
    assert.ok(times < 2000, 'it never came to that');
    await sleep(5);
  }
}

test('pushes side by side never take together what each may take alone, and leave nothing set aside', async (t) => {
  const room = 8 * MIB;
  const { begin, used, seen, storage } = await receiver(t, room);
  // All of them are under way before any of them has come to its end.
  const half = FILM.length >> 1;
  const requests = FILMS.map(() => begin());
  for (const [index, request] of requests.entries()) {
    request.write(HEAD);
    request.write(FILMS[index]?.subarray(0, half) ?? '');
  }
  await until(() => used() >= half);
  await sleep(100);
  const reasons = await Promise.all(
    requests.map((request, index) => {
      request.write(FILMS[index]?.subarray(half) ?? '');
      request.end(TAIL);
      return reasonOf(request);
    }),
  );
  assert.ok(seen.most <= room, `${seen.most} of ${room} bytes were taken`);
  assert.ok(reasons.includes(undefined), 'one at least was stored');
  assert.ok(reasons.includes(REASON.outOfResources), 'and not all');

  for (const film of FILMS) await send(begin(), film);
  assert.equal(used(), 2 * FILM.length, 'two have room');
  assert.ok(seen.most <= room);
  assert.equal(await storage.low(), true, 'intake has stopped');
});

test('a push that is larger than what is left is refused before anything of it is stored', async (t) => {
  const { begin, seen } = await receiver(t, 2 * MIB);
  const length = HEAD.length + FILM.length + TAIL.length;
  assert.equal(await send(begin(length), FILM), REASON.outOfResources);
  assert.equal(seen.files, 0);
});

test('one that says no length is refused when the room ends, and its bytes go at once', async (t) => {
  const { begin, files, seen } = await receiver(t, 2 * MIB);
  const request = begin();
  request.write(HEAD);
  request.write(FILM.subarray(0, FILM.length - 1000));
  await until(() => seen.files === 1 && files().length === 0);
  request.write(FILM.subarray(FILM.length - 1000));
  request.end(TAIL);
  assert.equal(await reasonOf(request), REASON.outOfResources);
});

test('what a sender that went away had taken is there for the next', async (t) => {
  const { begin, files, used } = await receiver(t, 4 * MIB);
  for (let times = 0; times < 3; times++) {
    const gone = begin();
    gone.write(HEAD);
    gone.write(FILM.subarray(0, FILM.length - 1000));
    await until(() => used() > 2 * MIB);
    gone.destroy();
    await until(() => files().length === 0);
  }
  assert.equal(await send(begin(), FILM), undefined);
});

test('intake that had no room for a film goes on when there is room for it', async (t) => {
  const { begin, folder, storage } = await receiver(t, 4 * MIB);
  assert.equal(await send(begin(), FILM), undefined);
  assert.equal(await send(begin(), FILMS[1] ?? FILM), REASON.outOfResources);
  assert.equal(await storage.low(), true);
  for (const name of readdirSync(folder.films)) rmSync(join(folder.films, name), { recursive: true });
  await sleep(1100);
  assert.equal(await storage.low(), false);
  assert.equal(await send(begin(), FILMS[1] ?? FILM), undefined);
});

test('a file that ends while the disk is asked leaves its room to the one that began first', async () => {
  let answer: PromiseWithResolvers<void> | undefined;
  const watch = createStorageWatch(
    {
      async free() {
        await answer?.promise;
        return 3 * MIB;
      },
    },
    () => 0,
  );
  const [first, second] = [watch.room(), watch.room()];
  assert.equal(await first.take(MIB), true);
  assert.equal(await second.take(2 * MIB), true);
  answer = Promise.withResolvers();
  const more = first.take(MIB);
  // Broken off by its sender: nothing of it stays on the disk.
  second.end();
  answer.resolve();
  answer = undefined;
  assert.equal(await more, true);
  assert.equal(await watch.low(), false);
});

test('a film that had to wait for room and got it stops nobody else', async () => {
  const watch = createStorageWatch({ free: async () => 10 * MIB }, () => 0);
  const [first, second] = [watch.room(), watch.room()];
  for (let i = 0; i < 8; i += 1) assert.equal(await first.take(MIB), true);
  assert.equal(await second.take(2 * MIB), true);
  const waits = first.take(MIB);
  await sleep(20);
  assert.equal(await watch.low(), false, 'nobody was refused');
  second.end();
  assert.equal(await waits, true);
  assert.equal(await watch.low(), false);
});
