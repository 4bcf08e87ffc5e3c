/** The console: a page by the fragment of the address. */
import { HealthPage } from './health.js';
import { ListPage } from './list.js';
import { useConnection } from './live.js';
import { html, render, useEffect, useErrorBoundary, useRef } from './preact.js';
import { useRoute } from './route.js';
import { StudyPage } from './study.js';
import { TryPage } from './try.js';

const PAGES = [
  { page: 'list', href: '#/', title: 'Worklist' },
  { page: 'try', href: '#/try', title: 'Try a film' },
  { page: 'health', href: '#/health', title: 'Health' },
];

function Top() {
  const route = useRoute();
  const connected = useConnection();
  const main = () => document.getElementById('main');
  return html`<header class="top">
    <button type="button" class="skip" onClick=${() => main()?.focus()}>Skip to the content</button>
    <a class="mark" href="#/">Deep Health</a>
    <nav aria-label="Pages">
      ${PAGES.map(({ page, href, title }) => {
        const current = route.page === page || (page === 'list' && route.page === 'study');
        return html`<a key=${page} href=${href} aria-current=${current ? 'page' : undefined}>${title}</a>`;
      })}
    </nav>
    <span class=${connected ? 'connection' : 'connection lost'} role="status">
      ${connected ? 'Live' : 'No connection, trying again'}
    </span>
  </header>`;
}

function Page() {
  const route = useRoute();
  const [failed, reset] = useErrorBoundary();
  const first = useRef(true);
  const place = `${route.page} ${route.study ?? ''}`;
  useEffect(() => {
    reset();
    document.title = `${PAGES.find(({ page }) => page === route.page)?.title ?? 'Study'} · Deep Health`;
    // After a change of page, reading aloud and tabbing begin at its top.
    if (!first.current) {
      document.getElementById('main')?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    first.current = false;
    return undefined;
  }, [place]);
  if (failed)
    return html`<p class="failure" role="alert">The page met an unknown failure. Please load it again.</p>`;
  if (route.study !== null) return html`<${StudyPage} key=${route.study} study=${route.study} />`;
  if (route.page === 'list') return html`<${ListPage} query=${route.query} />`;
  if (route.page === 'try') return html`<${TryPage} />`;
  if (route.page === 'health') return html`<${HealthPage} />`;
  return html`<h1>There is no such page</h1><p><a href="#/">To the worklist</a></p>`;
}

const top = document.getElementById('top');
const main = document.getElementById('main');
if (top !== null && main !== null) {
  render(html`<${Top} />`, top);
  render(html`<${Page} />`, main);
}
