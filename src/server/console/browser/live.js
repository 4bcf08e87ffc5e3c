/** What is shown stays what is: pages ask again, cheaply, as long as somebody looks. */
import { ApiFailure, getIfChanged, getPicture } from './api.js';
import { useEffect, useState } from './preact.js';

/**
 * @template Value
 * @typedef {object} Live
 * @property {Value | null} value the last that came; null before the first
 * @property {ApiFailure | null} failure why there is none, or why it may be old
 * @property {() => void} refresh asks now
 */

/** Every so many times the whole is asked for, tag or not: what committed late shows up then. */
const WHOLE_EVERY = 10;
const LONGEST_PAUSE_MS = 30_000;
/** Failures after which a picture is asked for again, and when. */
const PASSING = ['api.busy', 'pixel.busy', 'no-connection', 'service.stopping'];
const AGAIN_MS = 3000;

/** @type {Set<(lost: boolean) => void>} */
const listeners = new Set();

/** @param {boolean} lost */
function tellConnection(lost) {
  for (const listener of listeners) listener(lost);
}

/** Whether the last question was answered. */
export function useConnection() {
  const [lost, setLost] = useState(false);
  useEffect(() => {
    listeners.add(setLost);
    return () => listeners.delete(setLost);
  }, []);
  return !lost;
}

/**
 * The JSON at an address, kept up to date.
 *
 * @template Value
 * @param {string} path
 * @param {number} everyMs
 * @returns {Live<Value>}
 */
export function useLive(path, everyMs) {
  const [shown, setShown] = useState(
    /** @type {{ path: string, value: Value | null, failure: ApiFailure | null }} */ ({
      path,
      value: null,
      failure: null,
    }),
  );
  const [round, setRound] = useState(0);
  useEffect(() => {
    const controller = new AbortController();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    let asking = false;
    let failures = 0;
    let asked = 0;
    /** @type {string | null} */
    let tag = null;

    async function ask() {
      if (asking || document.hidden) return;
      asking = true;
      clearTimeout(timer);
      try {
        const answer = await getIfChanged(path, asked % WHOLE_EVERY === 0 ? null : tag, controller.signal);
        asked += 1;
        failures = 0;
        tellConnection(false);
        if (answer !== undefined) {
          tag = answer.tag;
          setShown({ path, value: /** @type {Value} */ (answer.json), failure: null });
        } else setShown((before) => (before.failure === null ? before : { ...before, failure: null }));
      } catch (error) {
        if (controller.signal.aborted) return;
        failures += 1;
        const failure =
          error instanceof ApiFailure ? error : new ApiFailure('unknown', 'An unknown failure.');
        tellConnection(failure.code === 'no-connection');
        setShown((before) => ({ path, value: before.path === path ? before.value : null, failure }));
      } finally {
        asking = false;
      }
      if (controller.signal.aborted) return;
      timer = setTimeout(ask, Math.min(LONGEST_PAUSE_MS, everyMs * 2 ** Math.min(failures, 5)));
    }

    document.addEventListener('visibilitychange', ask);
    void ask();
    return () => {
      document.removeEventListener('visibilitychange', ask);
      controller.abort();
      clearTimeout(timer);
    };
  }, [path, everyMs, round]);
  return {
    value: shown.path === path ? shown.value : null,
    failure: shown.path === path ? shown.failure : null,
    refresh: () => setRound((before) => before + 1),
  };
}

/**
 * A picture as an address that an `img` takes; asked for with `fetch`, so that a failure tells why.
 *
 * @param {string | null} path
 * @returns {{ readonly url: string | null, readonly failure: ApiFailure | null }}
 */
export function usePicture(path) {
  const [shown, setShown] = useState(
    /** @type {{ path: string | null, url: string | null, failure: ApiFailure | null }} */ ({
      path,
      url: null,
      failure: null,
    }),
  );
  useEffect(() => {
    if (path === null) return undefined;
    const controller = new AbortController();
    let url = '';
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;

    async function load() {
      try {
        const picture = await getPicture(String(path), controller.signal);
        if (controller.signal.aborted) return;
        url = URL.createObjectURL(picture);
        setShown({ path, url, failure: null });
      } catch (error) {
        if (controller.signal.aborted) return;
        const failure =
          error instanceof ApiFailure ? error : new ApiFailure('unknown', 'An unknown failure.');
        // Others are being drawn, or the service restarts: the next time may go well.
        if (PASSING.includes(failure.code)) timer = setTimeout(load, AGAIN_MS);
        else setShown({ path, url: null, failure });
      }
    }

    void load();
    return () => {
      controller.abort();
      clearTimeout(timer);
      if (url !== '') URL.revokeObjectURL(url);
    };
  }, [path]);
  return shown.path === path ? shown : { url: null, failure: null };
}

/**
 * The time, renewed so often.
 *
 * @param {number} everyMs
 */
export function useNow(everyMs) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
