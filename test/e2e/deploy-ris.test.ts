import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect, type Server as NetServer } from 'node:net';
import { after, describe, test } from 'node:test';
import { createListener } from '../../deploy/compose/ris/listener.ts';
import { createPage } from '../../deploy/compose/ris/page.ts';
import { createMllpClient } from '../../src/hl7/mllp/client.ts';
import { buildOru } from '../../src/hl7/oru.ts';
import { reportInput } from '../fixtures/readings.ts';
import { CASES } from '../fixtures/report-cases.ts';

async function listening(server: Server | NetServer): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const messageOf = (id: string, mode: 'original' | 'enhanced' = 'original', report = reportInput()) =>
  buildOru({ report, messageId: id, createdAt: new Date(0) }, { mode }).bytes;

describe('the small RIS of docker-compose.yml', async () => {
  const { server, mailbox } = createListener();
  const page = createPage(mailbox, 'the-password');
  const [mllp, http] = await Promise.all([listening(server), listening(page)]);
  const client = createMllpClient({ name: 'ris', host: '127.0.0.1', port: mllp });
  const get = (path: string, password = 'the-password') =>
    fetch(`http://127.0.0.1:${http}${path}`, {
      headers: { authorization: `Basic ${Buffer.from(`any:${password}`).toString('base64')}` },
    });
  after(async () => {
    await client.close();
    server.close();
    page.close();
    page.closeAllConnections();
  });

  test('acknowledges our messages in both modes, and counts one that comes again', async () => {
    assert.deepEqual(await client.send(messageOf('ONE')), { kind: 'accepted', by: 'AA' });
    assert.deepEqual(await client.send(messageOf('TWO', 'enhanced')), { kind: 'accepted', by: 'AA' });
    assert.deepEqual(await client.send(messageOf('ONE')), { kind: 'accepted', by: 'AA' });
    assert.deepEqual(
      mailbox.list().map(({ controlId, times }) => [controlId, times]),
      [
        ['TWO', 1],
        ['ONE', 2],
      ],
    );
  });

  test('rejects what is no result, and stands what is no HL7', async () => {
    const other = Buffer.from('MSH|^~\\&|A|B|C|D|20260101||ADT^A01|THREE|P|2.5.1\rPID|1\r');
    const outcome = await client.send(other);
    assert.equal(outcome.kind, 'application-reject');
    const socket = connect(mllp, '127.0.0.1');
    socket.end('GET / HTTP/1.1\r\n\r\n\u000bno message\u001c\r');
    socket.resume();
    await once(socket, 'close');
    assert.deepEqual(await client.send(messageOf('FOUR')), { kind: 'accepted', by: 'AA' });
  });

  test('shows every segment with names of fields, and nothing of a message becomes markup', async () => {
    const rich = CASES.rich ?? reportInput();
    const evil = Buffer.from(messageOf('FIVE', 'original', rich))
      .toString('utf8')
      .replace('XR chest', '<script>alert(1)</script>')
      .replace(/^PID\|1\|\|[^|]*/m, 'PID|1||"><img src=x>');
    await client.send(Buffer.from(evil));
    for (const path of ['/', '/messages/FIVE']) {
      const shown = await get(path);
      const html = await shown.text();
      assert.equal(shown.status, 200);
      assert.doesNotMatch(html, /<script|<img/);
      assert.match(shown.headers.get('content-security-policy') ?? '', /default-src 'none'/);
    }
    const html = await (await get('/messages/FIVE')).text();
    for (const name of ['Message Control ID', 'Patient Name', 'Accession Number', 'Observation Value']) {
      assert.match(html, new RegExp(name));
    }
    // Escapes of HL7 are resolved for people.
    assert.match(html, /cough &#38; fever \| 3 days/);
  });

  test('shows nothing without the password, and answers every address', async () => {
    assert.equal((await get('/', 'wrong')).status, 401);
    assert.equal((await fetch(`http://127.0.0.1:${http}/livez`)).status, 200);
    for (const path of ['/messages/none', '/messages/%E0%A4%A', '/x']) {
      assert.equal((await get(path)).status, 404, path);
    }
    assert.equal((await fetch(`http://127.0.0.1:${http}/`, { method: 'POST' })).status, 405);
  });
});
