import type { RequestHandler } from 'express';
import { DeepHealthError } from '../errors/error.ts';

/** Of these the first counts here; a proxy in front may have taken the last. */
const SINGLE = ['host', 'authorization', 'content-type', 'origin', 'sec-fetch-site'];

/**
 * Turns away requests that a proxy in front may understand otherwise than this server, and closes their connection:
 *
 * - a header twice that stands once (RFC 9112 3.2 for Host, RFC 9110 5.3),
 * - chunks in HTTP/1.0, which does not know them (RFC 9112 6.1),
 * - an address that names another host than Host does (RFC 9112 3.2.2).
 *
 * What Node's parser refuses by itself (two lengths, a length and chunks, line ends of one character) never comes here.
 * Throws `api.bad-request`.
 */
export const oneMeaning: RequestHandler = (request, response, next) => {
  const { headersDistinct: headers, httpVersion, url } = request;
  const doubled = SINGLE.find((name) => (headers[name]?.length ?? 0) > 1);
  const reason =
    doubled !== undefined
      ? `The header ${doubled} comes twice.`
      : httpVersion === '1.0' && headers['transfer-encoding'] !== undefined
        ? 'HTTP/1.0 has no chunks.'
        : url.startsWith('/') || url === '*' || namesHost(url, request.headers.host)
          ? undefined
          : 'The address names another host than the header does.';
  if (reason === undefined) {
    next();
    return;
  }
  response.set('connection', 'close');
  throw new DeepHealthError('api.bad-request', reason);
};

function namesHost(url: string, host: string | undefined): boolean {
  const header = `http://${host ?? ''}/`;
  return URL.canParse(url) && URL.canParse(header) && new URL(url).host === new URL(header).host;
}
