/** Health of the service and of everything it works with, and how it does. */

/** @import { Activity, Health } from './api.js' */
import { ActivityCharts } from './chart.js';
import { useLive, useNow } from './live.js';
import { Failure, Loading, Moment, Pill, Reason, Section } from './parts.js';
import { html, useState } from './preact.js';
import { listHref } from './route.js';
import { counted, STATE_WORDS, size } from './words.js';

const EVERY_MS = 5000;
const PERIODS = [
  { hours: '24', words: 'Last day' },
  { hours: '168', words: 'Last week' },
  { hours: '720', words: 'Last month' },
];

export function HealthPage() {
  const now = useNow(5000);
  /** @type {import('./live.js').Live<Health>} */
  const { value, failure } = useLive('/api/health', EVERY_MS);
  return html`<div class="health">
    <h1>Health</h1>
    ${failure !== null && html`<${Failure} failure=${failure} />`}
    ${value === null && failure === null && html`<${Loading} />`}
    ${value !== null && html`<${Parts} health=${value} now=${now} />`}
    <${ActivitySection} />
  </div>`;
}

/** @param {{ health: Health, now: number }} properties */
function Parts({ health, now }) {
  const { queue, storage, model, ledger } = health;
  const low = storage.freeBytes !== null && storage.freeBytes < storage.reserveBytes;
  const waiting = queue.waiting === null ? null : queue.waiting.stat + queue.waiting.routine;
  return html`<div class="cards">
      <${Section} title="Service" id="service">
        <p>${health.ready ? html`<${Pill} kind="good">Ready<//>` : html`<${Pill} kind="bad">Not ready<//>`}</p>
        ${health.problems.length > 0 && html`<p><code>${health.problems.join(', ')}</code></p>`}
        <p class="faint small">${health.version}, ${health.worker}</p>
      <//>
      <${Section} title="Model" id="model">
        ${
          model === null
            ? html`<p class="faint">This process does not read.</p>`
            : html`<p>${model.name} ${model.version}</p>
                <p class="faint small">${model.engine}, <code title=${model.sha256}>${model.sha256.slice(0, 12)}</code></p>`
        }
      <//>
      <${Section} title="Queue" id="queue">
        <p>${queue.ready ? html`<${Pill} kind="good">Up<//>` : html`<${Pill} kind="bad">Down<//>`} ${queue.kind}</p>
        <p>${waiting === null ? 'Length not known' : `${counted(waiting, 'study waits', 'studies wait')}${(queue.waiting?.stat ?? 0) > 0 ? `, ${queue.waiting?.stat} stat` : ''}`}</p>
        ${queue.oldest !== null && html`<p class="faint small">The oldest since <${Moment} at=${queue.oldest} now=${now} /></p>`}
      <//>
      <${Section} title="Storage" id="storage">
        <p>${low ? html`<${Pill} kind="bad">Low<//>` : html`<${Pill} kind="good">Enough<//>`} ${storage.freeBytes === null ? '' : `${size(storage.freeBytes)} free`}</p>
        <p class="faint small">Intake stops below ${size(storage.reserveBytes)}.</p>
        <p>${ledger.answers ? html`<${Pill} kind="good">Up<//>` : html`<${Pill} kind="bad">Down<//>`} Ledger (${ledger.kind})</p>
      <//>
    </div>
    <${Section} title="PACS, RIS and folders" id="peers"><${Peers} health=${health} now=${now} /><//>
    <${Section} title="Studies" id="states">
      ${health.studies === null && html`<p class="faint">Not known while the ledger does not answer.</p>`}
      <ul class="states">
        ${Object.entries(health.studies ?? {}).map(
          ([state, count]) => html`<li key=${state}>
            <a class="state-link" href=${listHref({ state, period: 'all' })}><b class="number">${count}</b> ${STATE_WORDS[state] ?? state}</a>
          </li>`,
        )}
      </ul>
    <//>`;
}

/** @param {{ health: Health, now: number }} properties */
function Peers({ health, now }) {
  const { peers, destinations } = health;
  const names = new Set([...peers.map(({ name }) => name), ...destinations.map(({ name }) => name)]);
  return html`<table class="rows">
    <caption class="unseen">Peers and what waits for them</caption>
    <thead>
      <tr>
        <th scope="col">Name</th>
        <th scope="col">Kind</th>
        <th scope="col">Now</th>
        <th scope="col">Waiting</th>
        <th scope="col">Last delivered</th>
        <th scope="col">Last failure</th>
      </tr>
    </thead>
    <tbody>
      ${[...names].map((name) => {
        const check = peers.find((peer) => peer.name === name);
        const target = destinations.find((destination) => destination.name === name);
        return html`<tr key=${name}>
          <th scope="row">${name}</th>
          <td data-title="Kind">${(check?.kind ?? target?.via ?? '').toUpperCase()}</td>
          <td data-title="Now">${check === undefined ? (target?.via === null ? html`<${Pill} kind="bad">Not configured<//>` : html`<span class="faint">–</span>`) : html`<${PeerState} state=${check.state} code=${check.code} />`}</td>
          <td data-title="Waiting">
            ${target === undefined ? html`<span class="faint">takes no results</span>` : target.pending === null ? html`<span class="faint">not known</span>` : html`${target.pending} pending${(target.parked ?? 0) > 0 && html`, <a class="bad" href=${listHref({ state: 'stuck', period: 'all' })}>${target.parked} parked</a>`}`}
          </td>
          <td data-title="Last delivered"><${Moment} at=${target?.lastSent ?? null} now=${now} /></td>
          <td data-title="Last failure">
            ${target?.lastFailure ? html`<${Moment} at=${target.lastFailure.at} now=${now} />${' '}${target.lastFailure.reason !== null && html`<${Reason} reason=${target.lastFailure.reason} />`}` : html`<span class="faint">–</span>`}
          </td>
        </tr>`;
      })}
    </tbody>
  </table>`;
}

/** @param {{ state: 'up' | 'down' | 'unknown', code: string | null }} properties */
function PeerState({ state, code }) {
  if (state === 'up') return html`<${Pill} kind="good">Up<//>`;
  if (state === 'unknown') return html`<${Pill} kind="neutral">Asking …<//>`;
  return html`<${Pill} kind="bad">Down<//> <code>${code ?? ''}</code>`;
}

function ActivitySection() {
  const [hours, setHours] = useState('24');
  /** @type {import('./live.js').Live<Activity>} */
  const { value, failure } = useLive(`/api/activity?hours=${hours}`, 15_000);
  return html`<${Section} title="Throughput and waiting" id="activity">
    <div class="choices" role="group" aria-label="Period">
      ${PERIODS.map(
        (period) =>
          html`<button type="button" key=${period.hours} aria-pressed=${hours === period.hours ? 'true' : 'false'} onClick=${() => setHours(period.hours)}>${period.words}</button>`,
      )}
    </div>
    ${failure !== null && html`<${Failure} failure=${failure} />`}
    ${value === null ? failure === null && html`<${Loading} />` : html`<${ActivityCharts} activity=${value} />`}
  <//>`;
}
