import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import express from 'express';
import { say } from '../../test/e2e/raw-http.ts';
import { boundBodies } from './body-bounds.ts';

let server: Server;
let url = '';

before(async () => {
  const app = express();
  app.use(boundBodies(() => ({ bytes: 1_000, withinMs: 300 })));
  app.post('/json', express.json({ limit: 1_000 }), (request, response) => {
    response.json({ got: request.body });
  });
  app.use(((_error, _request, response, _next) => {
    response.status(400).end();
  }) as express.ErrorRequestHandler);
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

after(() => {
  server.closeAllConnections();
  server.close();
});

const POST = 'POST /json HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';

test('a body within its bounds comes through whole, in one piece or in several', async () => {
  const whole = await say(url, `${POST}content-length: 7\r\n\r\n{"a":1}`, { answers: 1 });
  assert.deepEqual(whole.statuses, [200]);
  const pieces = await say(url, `${POST}transfer-encoding: chunked\r\n\r\n3\r\n{"a\r\n`, {
    answers: 1,
    more: (socket) => void setTimeout(() => socket.write('4\r\n":1}\r\n0\r\n\r\n'), 30),
  });
  assert.deepEqual(pieces.statuses, [200]);
  assert.match(pieces.text, /\{"got":\{"a":1\}\}/);
});

test('a body that announces too much is refused before it comes', async () => {
  assert.deepEqual((await say(url, `${POST}content-length: 1001\r\n\r\n`)).statuses, [413]);
});

test('a body without end is refused where it is too large, and not read on', async () => {
  const piece = `${(500).toString(16)}\r\n${'x'.repeat(500)}\r\n`;
  const { statuses } = await say(url, `${POST}transfer-encoding: chunked\r\n\r\n`, {
    async more(socket) {
      while (!socket.destroyed) {
        socket.write(piece);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
  });
  assert.deepEqual(statuses, [413]);
});

test('a body that does not come to its end in time is given up', async () => {
  assert.deepEqual((await say(url, `${POST}content-length: 100\r\n\r\n{`)).statuses, [408]);
});
