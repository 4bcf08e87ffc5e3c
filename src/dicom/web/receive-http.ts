import type { IncomingMessage, ServerResponse } from 'node:http';
import { receiveStow, type StowAnswer, type StowReceipt, type StowReceiver } from './receive.ts';

/** How a STOW-RS request is met at the door. */
export interface StowHandling extends StowReceiver {
  /** The study in the path. */
  readonly study?: string;
  /**
   * Asked before anything of the body is read; an answer (401, 403, 429) turns the request away.
   * Default: everybody may.
   */
  readonly authorize?: (request: IncomingMessage) => Promise<StowAnswer | undefined> | StowAnswer | undefined;
  /** Called when everything is recorded and before the answer goes out, e.g. to settle the studies. */
  readonly beforeAnswer?: (receipt: StowReceipt) => Promise<void> | void;
}

/** How much of an unwanted body is still read, so that its sender gets to read the answer. */
const LINGER_BYTES = 4 * 1024 * 1024;
const LINGER_MS = 2000;

/**
 * Serves one STOW-RS request on Node's own request and response (Express's are those). `100 Continue` is
 * sent only when the body is wanted: for that, hand the server's `checkContinue` event to the same listener
 * as `request`. Resolves when the answer is out; never rejects for what the sender does.
 */
export async function handleStow(
  request: IncomingMessage,
  response: ServerResponse,
  handling: StowHandling,
): Promise<StowReceipt | undefined> {
  const turnedAway = await handling.authorize?.(request);
  if (turnedAway !== undefined) {
    await sendAnswer(request, response, turnedAway);
    return undefined;
  }
  const expectsContinue = /^100-continue$/i.test(request.headers.expect ?? '');
  const receipt = await receiveStow(
    {
      headers: request.headers,
      body: request,
      ...(handling.study === undefined ? {} : { study: handling.study }),
      ...(expectsContinue ? { proceed: () => response.writeContinue() } : {}),
    },
    handling,
  );
  await handling.beforeAnswer?.(receipt);
  await sendAnswer(request, response, receipt.answer);
  return receipt;
}

async function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  answer: StowAnswer,
): Promise<void> {
  if (response.destroyed) return;
  const body = Buffer.from(answer.body, 'utf8');
  response.writeHead(answer.status, {
    ...answer.headers,
    'content-length': body.length,
    ...(answer.close ? { connection: 'close' } : {}),
  });
  if (!answer.close) {
    await new Promise<void>((resolve) => {
      response.once('close', resolve);
      response.end(body, resolve);
    });
    return;
  }
  // Closing with unread bytes resets the connection, and the answer could be lost with it: the answer goes
  // first, then the sender gets a moment to read it.
  response.write(body);
  await linger(request);
  response.end();
  request.socket.destroySoon();
}

function linger(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let left = LINGER_BYTES;
    const timer = setTimeout(done, LINGER_MS);
    function count(chunk: Buffer): void {
      left -= chunk.length;
      if (left < 0) done();
    }
    function done(): void {
      clearTimeout(timer);
      request.off('data', count).off('end', done).off('close', done);
      resolve();
    }
    if (request.readableEnded || request.destroyed) return done();
    request.on('data', count).once('end', done).once('close', done);
    request.resume();
  });
}
