/** The page that the fragment names. A fragment stays in the browser: no server or proxy writes it into a log. */
import { useEffect, useState } from './preact.js';

/** @typedef {{ readonly page: string, readonly study: string | null, readonly query: URLSearchParams }} Route */

/**
 * @param {string} hash
 * @returns {Route}
 */
function routeOf(hash) {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const query = new URLSearchParams(search);
  const study = /^studies\/([\d.]{1,64})$/.exec(path)?.[1] ?? null;
  if (study !== null) return { page: 'study', study, query };
  return { page: path === '' ? 'list' : path, study: null, query };
}

/** @returns {Route} */
export function useRoute() {
  const [route, setRoute] = useState(() => routeOf(location.hash));
  useEffect(() => {
    const changed = () => setRoute(routeOf(location.hash));
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return route;
}

/** @param {string} study */
export function studyHref(study) {
  return `#/studies/${study}`;
}

/**
 * The list with these filters; empty ones are left out.
 *
 * @param {Readonly<Record<string, string>>} filters
 */
export function listHref(filters) {
  const query = new URLSearchParams(Object.entries(filters).filter(([, value]) => value !== ''));
  const text = query.toString();
  return text === '' ? '#/' : `#/?${text}`;
}
