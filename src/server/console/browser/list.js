/** The triage list: what should be looked at first stands first. */

/** @import { ListedStudy, TriagePage } from './api.js' */
import { useLive, useNow } from './live.js';
import { Failure, Loading, Moment, Pill, Share } from './parts.js';
import { html, useRef } from './preact.js';
import { listHref, studyHref } from './route.js';
import { tenthsOf } from './tenths.js';
import { counted, dicomDate, FINDING_WORDS, findingWords, LABELS, STATE_WORDS, shortUid } from './words.js';

const EVERY_MS = 2000;
const HOUR_MS = 3_600_000;

const PERIODS = [
  { value: '', words: 'Last 24 hours', hours: 24 },
  { value: '7d', words: 'Last 7 days', hours: 168 },
  { value: '30d', words: 'Last 30 days', hours: 720 },
  { value: 'all', words: 'All', hours: null },
];
const STATES = [
  { value: '', words: 'Any state' },
  { value: 'stuck', words: 'Stuck (needs a person)' },
  ...Object.entries(STATE_WORDS).map(([value, words]) => ({ value, words })),
];
const FINDINGS = [
  { value: '', words: 'Any finding' },
  ...LABELS.map((value) => ({ value: String(value), words: FINDING_WORDS[value] })),
  { value: 'none', words: 'No label (abstained or type open)' },
];

/** @param {{ query: URLSearchParams }} properties */
export function ListPage({ query }) {
  const filters = {
    state: query.get('state') ?? '',
    label: query.get('label') ?? '',
    period: query.get('period') ?? '',
    cursor: query.get('cursor') ?? '',
  };
  const now = useNow(20_000);
  /** @type {import('./live.js').Live<TriagePage>} */
  const { value: fresh, failure } = useLive(pathOf(filters, now), EVERY_MS);
  // Until an answer to other filters comes, the list before stays, pale, so that nothing jumps.
  const last = useRef(/** @type {TriagePage | null} */ (null));
  if (fresh !== null) last.current = fresh;
  const value = fresh ?? (failure === null ? last.current : null);
  return html`<div class="list" aria-busy=${fresh === null && failure === null ? 'true' : 'false'}>
    <h1>Worklist</h1>
    <${Filters} filters=${filters} />
    ${failure !== null && html`<${Failure} failure=${failure} />`}
    ${value === null && failure === null && html`<${Loading} />`}
    ${value !== null && html`<${Studies} page=${value} now=${now} filtered=${filters.cursor !== '' || filters.state !== '' || filters.label !== ''} />`}
    ${value !== null && html`<${Paging} page=${value} filters=${filters} />`}
  </div>`;
}

/**
 * @param {{ state: string, label: string, period: string, cursor: string }} filters
 * @param {number} now
 */
function pathOf({ state, label, period, cursor }, now) {
  const { hours = null } = PERIODS.find(({ value }) => value === period) ?? {};
  // From a full hour on, so that the address stays the same for as long.
  const since = hours === null ? '' : new Date(Math.floor(now / HOUR_MS - hours) * HOUR_MS).toISOString();
  const asked = Object.entries({ state, label, since, cursor }).filter(([, value]) => value !== '');
  return `/api/triage?${new URLSearchParams(asked)}`;
}

/** @param {{ filters: Record<string, string> }} properties */
function Filters({ filters }) {
  const { cursor: _page, ...kept } = filters;
  /** @param {string} name @param {string} label @param {readonly { value: string, words: string }[]} choices */
  const choice = (name, label, choices) =>
    html`<label>${label}
      <select name=${name} value=${filters[name]} onChange=${(/** @type {Event} */ event) => {
        const { value } = /** @type {HTMLSelectElement} */ (event.target);
        location.hash = listHref({ ...kept, [name]: value });
      }}>
        ${choices.map(({ value, words }) => html`<option key=${value} value=${value} selected=${value === filters[name]}>${words}</option>`)}
      </select>
    </label>`;
  const isFiltered = Object.values(kept).some((value) => value !== '');
  return html`<form class="filters" aria-label="Filters" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
    ${choice('state', 'State', STATES)}
    ${choice('label', 'Finding', FINDINGS)}
    ${choice('period', 'Arrived', PERIODS)}
    ${isFiltered && html`<a class="button quiet" href="#/">Clear</a>`}
  </form>`;
}

/** @param {{ page: TriagePage, now: number, filtered: boolean }} properties */
function Studies({ page, now, filtered }) {
  const { studies, showsPatient } = page;
  const present = studies.filter(({ result }) => result?.pneumonia === 'present').length;
  const summary = `${counted(studies.length, 'study', 'studies')}${page.next === null ? '' : ' on this page'}, ${present} with pneumonia present`;
  if (studies.length === 0) {
    return html`<p class="empty" role="status">
      ${filtered ? 'No study fits these filters.' : 'No study came in this time. New ones appear here by themselves.'}
    </p>`;
  }
  return html`<p class="faint" role="status">${summary}</p>
    <table class="studies" onKeyDown=${moveFocus}>
      <caption class="unseen">Studies, most urgent first. Up and down arrows move between them.</caption>
      <thead>
        <tr>
          <th scope="col">AI finding</th>
          <th scope="col">Probability of pneumonia</th>
          <th scope="col">${showsPatient ? 'Patient' : 'Study'}</th>
          <th scope="col">State</th>
          <th scope="col">Results</th>
          <th scope="col">Arrived</th>
        </tr>
      </thead>
      <tbody>
        ${studies.map((study) => html`<${Row} key=${study.study} study=${study} showsPatient=${showsPatient} now=${now} />`)}
      </tbody>
    </table>`;
}

/** @param {{ study: ListedStudy, showsPatient: boolean, now: number }} properties */
function Row({ study, showsPatient, now }) {
  const { result, priority, patient, reason } = study;
  const stuck = study.state === 'failed' || (study.state === 'reported' && study.deliveries.parked > 0);
  const words =
    result === null ? (study.state === 'skipped' ? 'Nothing to read' : 'Not read yet') : findingWords(result);
  return html`<tr class=${`finding-${result?.pneumonia ?? 'none'}`}>
    <th scope="row">
      ${priority === 'stat' && html`<${Pill} kind="stat">STAT<//>`}
      <a class="row-link" href=${studyHref(study.study)} title=${study.study}>${words}</a>
      ${result !== null && result.applicability === 'out' && html`<${Pill} kind="warn">Outside population<//>`}
      ${result !== null && result.quality !== 'diagnostic' && html`<${Pill} kind="warn">Quality ${result.quality}<//>`}
    </th>
    <td data-title="Probability">
      ${result === null ? html`<span class="faint">–</span>` : html`<${Share} tenths=${1000 - tenthsOf(result.probabilities).normal} kind=${result.pneumonia} />`}
    </td>
    <td data-title=${showsPatient ? 'Patient' : 'Study'}>
      ${
        showsPatient && patient !== null
          ? html`<span class="patient">${patient.name ?? 'No name'}</span>
              <span class="faint">${[patient.id, patient.birthDate && dicomDate(patient.birthDate), patient.sex].filter(Boolean).join(' · ')}</span>`
          : html`<span class="uid" title=${study.study}>${shortUid(study.study)}</span>`
      }
    </td>
    <td data-title="State">
      <${Pill} kind=${stuck ? 'bad' : study.state}>${STATE_WORDS[study.state] ?? study.state}<//>
      ${reason !== null && html`<span class="faint reason">${reason.message}</span>`}
    </td>
    <td data-title="Results"><${Deliveries} counts=${study.deliveries} /></td>
    <td data-title="Arrived"><${Moment} at=${study.noticed} now=${now} /></td>
  </tr>`;
}

/** @param {{ counts: Readonly<Record<'pending' | 'sent' | 'parked', number>> }} properties */
function Deliveries({ counts }) {
  const { sent, pending, parked } = counts;
  if (sent + pending + parked === 0) return html`<span class="faint">–</span>`;
  return html`<span class="deliveries">
    ${sent > 0 && html`<span>${sent} sent</span>`}
    ${pending > 0 && html`<span class="waiting">${pending} pending</span>`}
    ${parked > 0 && html`<span class="bad">${parked} parked</span>`}
  </span>`;
}

/** @param {{ page: TriagePage, filters: Record<string, string> }} properties */
function Paging({ page, filters }) {
  const { cursor = '', ...kept } = filters;
  if (page.next === null && cursor === '') return null;
  return html`<nav class="paging" aria-label="Pages of the list">
    ${cursor !== '' && html`<a class="button" href=${listHref(kept)}>To the first page</a>`}
    ${page.next !== null && html`<a class="button" href=${listHref({ ...kept, cursor: page.next })}>Next page</a>`}
  </nav>`;
}

/**
 * Arrow keys, Home and End move between the studies; Enter follows the link as it always does.
 *
 * @param {KeyboardEvent} event
 */
function moveFocus(event) {
  const table = /** @type {HTMLElement} */ (event.currentTarget);
  const links = [.../** @type {NodeListOf<HTMLElement>} */ (table.querySelectorAll('.row-link'))];
  const at = links.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  if (at < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
  const targets = /** @type {Record<string, number>} */ ({
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    Home: 0,
    End: links.length - 1,
  });
  const target = targets[event.key];
  if (target === undefined) return;
  event.preventDefault();
  links[Math.max(0, Math.min(links.length - 1, target))]?.focus();
}
