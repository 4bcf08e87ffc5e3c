import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { type Certificate, makeAuthority, type TestAuthority } from '../../../test/peers/certificates.ts';
import { freePort } from '../../../test/peers/ports.ts';
import { type Ris, risInstalled, startRis } from '../../../test/peers/ris.ts';
import { ERROR_KINDS } from '../../errors/error.ts';
import { createMllpClient, type MllpClient, type MllpConfig, type MllpNotice } from './client.ts';

const skip = risInstalled() ? false : 'python3-hl7 is not installed';

/** For tests in which no answer is to come. */
const SOON = { ack: 700, application: 700 };

let counter = 0;

/** An ORU with a control id of its own; enhanced mode by MSH-15 and MSH-16. */
function oru(mode: { accept?: string; application?: string } = {}): { id: string; bytes: Buffer } {
  counter += 1;
  const id = `MSG${counter}`;
  const text = [
    `MSH|^~\\&|DEEPHEALTH|DH|RIS|HOSP|20260301120000||ORU^R01^ORU_R01|${id}|P|2.5.1|||${mode.accept ?? ''}|${mode.application ?? ''}||UNICODE UTF-8`,
    'PID|1||4711||Müller^Jörg',
    'OBR|1',
    'OBX|1|ST|X||normal||||||P',
    '',
  ].join('\r');
  return { id, bytes: Buffer.from(text, 'utf8') };
}

function clientOf(
  peer: { host?: string; port: number },
  more: Partial<MllpConfig> = {},
): { client: MllpClient; notices: string[] } {
  const notices: string[] = [];
  const client = createMllpClient({
    name: 'ris',
    host: peer.host ?? '127.0.0.1',
    port: peer.port,
    reconnect: { minMs: 1, maxMs: 2 },
    onNotice: (notice: MllpNotice) => notices.push(notice.code),
    ...more,
  });
  return { client, notices };
}

describe('against the independent RIS', { skip }, () => {
  let ris: Ris;
  before(async () => {
    ris = await startRis();
  });
  after(() => ris.stop());

  async function outcomeIn(
    mode: Parameters<Ris['setMode']>[0],
    acknowledgement = {},
    timeouts: MllpConfig['timeouts'] = {},
  ) {
    await ris.setMode(mode);
    const { client, notices } = clientOf(ris, { timeouts });
    const message = oru(acknowledgement);
    const outcome = await client.send(message.bytes);
    await client.close();
    return { outcome, notices, id: message.id };
  }

  it('a message is accepted with AA and arrives with the same text', async () => {
    const { outcome, id } = await outcomeIn('AA');
    assert.deepEqual(outcome, { kind: 'accepted', by: 'AA' });
    const got = (await ris.received()).filter((message) => message.controlId === id);
    assert.equal(got.length, 1);
    assert.match(got[0]?.text ?? '', /Müller\^Jörg/);
  });

  for (const [mode, kind, code, retry] of [
    ['AE', 'application-error', 'hl7.application-error', 'transient'],
    ['AR', 'application-reject', 'hl7.application-reject', 'permanent'],
    ['CE', 'commit-error', 'hl7.commit-error', 'transient'],
    ['CR', 'commit-reject', 'hl7.commit-reject', 'permanent'],
  ] as const) {
    it(`${mode} is ${kind}, ${retry}`, async () => {
      const { outcome } = await outcomeIn(mode);
      assert.deepEqual(outcome, { kind, code });
      assert.equal(ERROR_KINDS[code].retry, retry);
    });
  }

  it('CA alone is acceptance where no application acknowledgement was asked for', async () => {
    assert.deepEqual((await outcomeIn('CA')).outcome, { kind: 'accepted', by: 'CA' });
    const asked = await outcomeIn('CA', { accept: 'AL', application: 'NE' });
    assert.deepEqual(asked.outcome, { kind: 'accepted', by: 'CA' });
  });

  it('in enhanced mode CA is followed by AA, which gets its own commit acknowledgement', async () => {
    const before = (await ris.commitsReceived()).length;
    const { outcome } = await outcomeIn('CA+AA', { accept: 'AL', application: 'AL' });
    assert.deepEqual(outcome, { kind: 'accepted', by: 'AA' });
    // The next message goes after the commit acknowledgement: when it is there, so is that.
    await outcomeIn('AA');
    assert.equal((await ris.commitsReceived()).length, before + 1);
  });

  it('in enhanced mode CA followed by AE is an application error', async () => {
    const { outcome } = await outcomeIn('CA+AE', { accept: 'AL', application: 'AL' });
    assert.equal(outcome.kind, 'application-error');
  });

  it('in enhanced mode CA without the application acknowledgement is acceptance with a notice', async () => {
    const { outcome, notices } = await outcomeIn('CA', { accept: 'AL', application: 'AL' }, SOON);
    assert.deepEqual(outcome, { kind: 'accepted', by: 'CA' });
    assert.ok(notices.includes('application-ack-missing'));
  });

  it('lower case and a missing last return are accepted', async () => {
    assert.equal((await outcomeIn('lower')).outcome.kind, 'accepted');
    assert.equal((await outcomeIn('no-final-return')).outcome.kind, 'accepted');
  });

  it('an acknowledgement with another MSA-2 is not ours: named, and the right one is waited for', async () => {
    const wrong = await outcomeIn('wrong-id', {}, SOON);
    assert.deepEqual(wrong.outcome, { kind: 'unanswered', code: 'mllp.wrong-id' });
    assert.deepEqual(wrong.notices, ['wrong-id']);
    const both = await outcomeIn('wrong-id+AA');
    assert.deepEqual(both.outcome, { kind: 'accepted', by: 'AA' });
  });

  for (const [mode, code] of [
    ['nothing', 'mllp.no-ack'],
    ['half', 'mllp.no-ack'],
    ['slow:5', 'mllp.no-ack'],
    ['noise', 'mllp.garbled'],
    ['drop', 'mllp.connection-lost'],
    ['keep+drop', 'mllp.connection-lost'],
    ['half+close', 'mllp.connection-lost'],
  ] as const) {
    it(`${mode}: unanswered, ambiguous (${code})`, async () => {
      const timeouts = code === 'mllp.connection-lost' ? {} : SOON;
      assert.deepEqual((await outcomeIn(mode, {}, timeouts)).outcome, { kind: 'unanswered', code });
    });
  }

  it('a late answer to one message is never taken for the next one', async () => {
    await ris.setMode('AR');
    await ris.setNext(['slow:2']);
    const { client } = clientOf(ris, { timeouts: SOON });
    assert.equal((await client.send(oru().bytes)).kind, 'unanswered');
    assert.equal((await client.send(oru().bytes)).kind, 'application-reject');
    await client.close();
  });

  it('the same bytes sent again after no answer are a duplicate for the receiver', async () => {
    await ris.setMode('AA');
    await ris.setNext(['keep+drop']);
    const { client } = clientOf(ris);
    const message = oru();
    assert.equal((await client.send(message.bytes)).kind, 'unanswered');
    assert.equal((await client.send(message.bytes)).kind, 'accepted');
    await client.close();
    const got = (await ris.received()).filter(({ controlId }) => controlId === message.id);
    assert.deepEqual(
      got.map(({ duplicate }) => duplicate),
      [false, true],
    );
    assert.equal(got[0]?.text, got[1]?.text);
  });

  it('many messages given at once arrive one after the other, in order', async () => {
    await ris.setMode('AA');
    const { client } = clientOf(ris);
    const messages = Array.from({ length: 50 }, () => oru());
    const outcomes = await Promise.all(messages.map(({ bytes }) => client.send(bytes)));
    await client.close();
    assert.ok(outcomes.every(({ kind }) => kind === 'accepted'));
    const ids = new Set(messages.map(({ id }) => id));
    const order = (await ris.received()).map(({ controlId }) => controlId).filter((id) => ids.has(id));
    assert.deepEqual(
      order,
      messages.map(({ id }) => id),
    );
  });

  it('a receiver that was restarted is connected to again by itself', async () => {
    await ris.setMode('AA');
    const { client } = clientOf(ris);
    assert.equal((await client.send(oru().bytes)).kind, 'accepted');
    await ris.halt();
    const away = await client.send(oru().bytes);
    assert.equal(away.kind, 'unsent');
    assert.equal(away.kind === 'unsent' ? away.code : '', 'mllp.unreachable');
    await ris.start();
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal((await client.send(oru().bytes)).kind, 'accepted');
    await client.close();
  });

  it('after close nothing is sent', async () => {
    const { client } = clientOf(ris);
    await client.close();
    assert.deepEqual(await client.send(oru().bytes), { kind: 'unsent', code: 'mllp.closed' });
  });
});

describe('over TLS', { skip }, () => {
  let authority: TestAuthority;
  let server: Certificate;
  let ours: Certificate;
  let ris: Ris;
  before(async () => {
    authority = await makeAuthority();
    server = await authority.issue('ris');
    ours = await authority.issue('deep-health');
    ris = await startRis({ tls: { cert: server.certPath, key: server.keyPath, ca: authority.certPath } });
  });
  after(async () => {
    await ris.stop();
    await authority.remove();
  });

  async function outcomeWith(tls: MllpConfig['tls']) {
    const { client, notices } = clientOf(ris, tls === undefined ? {} : { tls });
    const outcome = await client.send(oru().bytes);
    await client.close();
    return { outcome, notices };
  }

  it('a message is accepted with the right authority and our certificate', async () => {
    const { outcome } = await outcomeWith({ ca: authority.cert, cert: ours.cert, key: ours.key });
    assert.deepEqual(outcome, { kind: 'accepted', by: 'AA' });
  });

  it('an unknown authority, and a name that does not match, are refused before anything is sent', async () => {
    const before = (await ris.received()).length;
    for (const tls of [
      { cert: ours.cert, key: ours.key },
      { ca: authority.cert, cert: ours.cert, key: ours.key, serverName: 'other.example' },
    ]) {
      const { outcome } = await outcomeWith(tls);
      assert.equal(outcome.kind === 'unsent' && outcome.code, 'mllp.tls');
    }
    assert.equal((await ris.received()).length, before);
  });

  it('without the client certificate that the receiver wants, nothing is accepted', async () => {
    const before = (await ris.received()).length;
    const { outcome } = await outcomeWith({ ca: authority.cert });
    assert.notEqual(outcome.kind, 'accepted');
    assert.equal((await ris.received()).length, before);
  });

  it('a receiver that says why it refuses our certificate is a TLS failure, nothing sent', async () => {
    const peer = createTlsServer({
      cert: server.cert,
      key: server.key,
      ca: authority.cert,
      requestCert: true,
      rejectUnauthorized: true,
    });
    peer.listen(0, '127.0.0.1');
    await once(peer, 'listening');
    const { client } = clientOf({ port: portOf(peer) }, { tls: { ca: authority.cert } });
    assert.deepEqual(await client.send(oru().bytes), { kind: 'unsent', code: 'mllp.tls' });
    await client.close();
    await new Promise((resolve) => peer.close(resolve));
  });

  it('the dangerous switch takes any certificate and says so', async () => {
    const { outcome, notices } = await outcomeWith({
      cert: ours.cert,
      key: ours.key,
      dangerouslyAcceptAnyCertificate: true,
    });
    assert.equal(outcome.kind, 'accepted');
    assert.ok(notices.includes('unchecked-certificate'));
  });
});

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** A receiver that no real one is: it does with each connection what the test says. */
async function standIn(
  behave: (socket: Socket, connection: number) => void,
): Promise<{ port: number; server: Server; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    connections += 1;
    behave(socket, connections);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: portOf(server),
    server,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const ackFor = (id: string): string => `\x0bMSH|^~\\&|||||||ACK|ACK|P|2.5.1\rMSA|AA|${id}\r\x1c\r`;

describe('against receivers no real one is', () => {
  it('an acknowledgement that comes byte by byte is understood', async () => {
    const message = oru();
    const peer = await standIn((socket) => {
      socket.setNoDelay(true);
      socket.once('data', async () => {
        for (const byte of Buffer.from(ackFor(message.id), 'latin1')) {
          socket.write(Buffer.of(byte));
          await new Promise((resolve) => setImmediate(resolve));
        }
      });
    });
    const { client } = clientOf(peer, { timeouts: { ack: 5000 } });
    assert.deepEqual(await client.send(message.bytes), { kind: 'accepted', by: 'AA' });
    await client.close();
    await peer.close();
  });

  it('a kept connection that the receiver closes at the next message is replaced, with the same bytes', async () => {
    const got: Buffer[] = [];
    const peer = await standIn((socket, connection) => {
      let messages = 0;
      socket.on('data', (chunk: Buffer) => {
        messages += 1;
        const id = /ORU_R01\|(\w+)\|/.exec(chunk.toString('latin1'))?.[1] ?? '';
        if (connection === 1 && messages === 2) {
          got.push(chunk);
          socket.destroy();
        } else {
          if (connection === 2) got.push(chunk);
          socket.write(ackFor(id), 'latin1');
        }
      });
    });
    const { client, notices } = clientOf(peer);
    assert.equal((await client.send(oru().bytes)).kind, 'accepted');
    assert.equal((await client.send(oru().bytes)).kind, 'accepted');
    await client.close();
    await peer.close();
    assert.equal(got.length, 2);
    assert.deepEqual(got[0], got[1]);
    assert.ok(notices.includes('sent-again'));
  });

  it('a receiver that never stops talking does not hold a message beyond its time', async () => {
    const peer = await standIn((socket) => {
      const flood = Buffer.from(ackFor('NOT-YOURS').repeat(500), 'latin1');
      const pour = (): void => {
        while (!socket.destroyed && socket.write(flood));
        socket.once('drain', () => setImmediate(pour));
      };
      socket.once('data', pour);
      socket.resume();
    });
    const { client, notices } = clientOf(peer, { timeouts: { ack: 300 } });
    assert.deepEqual(await client.send(oru().bytes), { kind: 'unanswered', code: 'mllp.wrong-id' });
    assert.deepEqual(notices, ['wrong-id']);
    await client.close();
    await peer.close();
  });

  it('an answer without an end is cut at the limit and counts as garbled', async () => {
    const peer = await standIn((socket) => {
      socket.once('data', () => socket.write(Buffer.concat([Buffer.of(0x0b), Buffer.alloc(300_000, 'x')])));
    });
    const { client, notices } = clientOf(peer, { maxFrameBytes: 100_000, timeouts: SOON });
    assert.deepEqual(await client.send(oru().bytes), { kind: 'unanswered', code: 'mllp.garbled' });
    assert.deepEqual(notices, ['oversize']);
    await client.close();
    await peer.close();
  });

  it('a receiver that does not talk TLS, or never answers the handshake, is a TLS failure', async () => {
    const talker = await standIn((socket) => socket.once('data', () => socket.end('220 hello\r\n')));
    const mute = await standIn((socket) => socket.resume());
    for (const peer of [talker, mute]) {
      const { client } = clientOf(peer, { tls: {}, timeouts: { connect: 400 } });
      const outcome = await client.send(oru().bytes);
      assert.equal(outcome.kind === 'unsent' && outcome.code, 'mllp.tls');
      await client.close();
      await peer.close();
    }
  });

  it('after failed attempts the next ones are put off, longer each time', async () => {
    const port = await freePort();
    const { client } = clientOf({ port }, { reconnect: { minMs: 10_000, maxMs: 300_000 } });
    const first = await client.send(oru().bytes);
    const second = await client.send(oru().bytes);
    await client.close();
    assert.ok(first.kind === 'unsent' && second.kind === 'unsent');
    assert.ok(first.retryAfterMs !== undefined && first.retryAfterMs >= 5000 && first.retryAfterMs <= 10_000);
    assert.ok(second.retryAfterMs !== undefined && second.retryAfterMs <= first.retryAfterMs);
  });

  it('an unused connection is closed after the idle time', async () => {
    let closed: () => void = () => {};
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const message = oru();
    const peer = await standIn((socket) => {
      socket.once('close', closed).once('data', () => socket.write(ackFor(message.id), 'latin1'));
    });
    const { client } = clientOf(peer, { timeouts: { idle: 50 } });
    assert.equal((await client.send(message.bytes)).kind, 'accepted');
    await gone;
    await client.close();
    await peer.close();
  });

  it('a message that cannot be framed is not sent', async () => {
    const { client } = clientOf({ port: 1 });
    for (const bytes of [Buffer.from('PID|1\r'), Buffer.concat([oru().bytes, Buffer.of(0x1c)])]) {
      assert.deepEqual(await client.send(bytes), { kind: 'unsent', code: 'mllp.unsendable' });
    }
    await client.close();
  });
});
