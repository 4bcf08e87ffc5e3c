/** Talks to the service that served the page; the browser signs in as it did for the page. */

/** @typedef {ReturnType<typeof import('../../study-json.ts').triageJson>} ListedStudy */
/** @typedef {{ readonly studies: readonly ListedStudy[], readonly next: string | null, readonly showsPatient: boolean }} TriagePage */
/** @typedef {import('../../../reading/patient-block.ts').PatientBlock} PatientBlock */
/** @typedef {ReturnType<typeof import('../../study-json.ts').historyJson> & { readonly patient?: PatientBlock }} StudyHistory */
/** @typedef {import('../health.ts').HealthJson} Health */
/** @typedef {import('../../routes/overview.ts').ActivityJson} Activity */
/** @typedef {import('../try-film.ts').TriedFilm} TriedFilm */
/** @typedef {(import('../sr-tree.ts').SrDocument & { readonly kind: 'sr-air' | 'sr-text' }) | (import('../oru-text.ts').OruText & { readonly kind: 'oru' })} ResultContent */

/** An answer that is no success, or none at all: `code` of docs/errors.md, `message` a sentence. */
export class ApiFailure extends Error {
  /**
   * @param {string} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/**
 * @param {string} path
 * @param {RequestInit} [request]
 * @returns {Promise<Response>}
 * @throws {ApiFailure}
 */
async function ask(path, request = {}) {
  /** @type {Response} */
  let answer;
  try {
    answer = await fetch(path, { credentials: 'same-origin', cache: 'no-store', ...request });
  } catch (error) {
    if (request.signal?.aborted) throw error;
    throw new ApiFailure('no-connection', 'The service does not answer.');
  }
  if (answer.ok || answer.status === 304) return answer;
  const body = await answer.json().catch(() => ({}));
  throw new ApiFailure(
    String(body?.error?.code ?? `http-${answer.status}`),
    String(body?.error?.message ?? `The service answered ${answer.status}.`),
  );
}

/**
 * The JSON at an address, or undefined when it is what the tag stands for.
 *
 * @param {string} path
 * @param {string | null} tag of the last answer
 * @param {AbortSignal} signal
 * @returns {Promise<{ readonly tag: string | null, readonly json: unknown } | undefined>}
 */
export async function getIfChanged(path, tag, signal) {
  const answer = await ask(path, { signal, headers: tag === null ? {} : { 'if-none-match': tag } });
  if (answer.status === 304) return undefined;
  return { tag: answer.headers.get('etag'), json: await answer.json() };
}

/**
 * @param {string} path
 * @param {AbortSignal} signal
 */
export async function getPicture(path, signal) {
  return (await ask(path, { signal })).blob();
}

/**
 * @param {string} path
 * @param {unknown} body
 * @returns {Promise<any>}
 */
export async function postJson(path, body) {
  const answer = await ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return answer.json();
}

/**
 * @param {Blob} film
 * @param {string} type
 * @returns {Promise<TriedFilm>}
 */
export async function postFilm(film, type) {
  const answer = await ask('/api/try', { method: 'POST', headers: { 'content-type': type }, body: film });
  return answer.json();
}

/** @param {string} study */
export function studyPath(study) {
  return `/api/studies/${encodeURIComponent(study)}`;
}
