/** Where the results went, and what keeps the others. */

/** @import { StudyHistory } from './api.js' */
import { Moment, Pill, Reason } from './parts.js';
import { html } from './preact.js';
import { OBJECT_WORDS } from './words.js';

const STATES = {
  pending: { kind: 'waiting', words: 'Pending' },
  sent: { kind: 'good', words: 'Sent' },
  parked: { kind: 'bad', words: 'Parked' },
};

/** @param {{ deliveries: StudyHistory['deliveries'], now: number }} properties */
export function Deliveries({ deliveries, now }) {
  if (deliveries.length === 0) return html`<p class="faint">Nothing was to be delivered yet.</p>`;
  return html`<table class="rows">
    <caption class="unseen">Deliveries</caption>
    <thead>
      <tr>
        <th scope="col">What</th>
        <th scope="col">Where to</th>
        <th scope="col">State</th>
        <th scope="col">Attempts</th>
        <th scope="col">When</th>
        <th scope="col">Last failure</th>
      </tr>
    </thead>
    <tbody>
      ${deliveries.map(
        (delivery) => html`<tr key=${`${delivery.run} ${delivery.destination} ${delivery.object.uid}`}>
          <th scope="row">${OBJECT_WORDS[delivery.object.kind] ?? delivery.object.kind}</th>
          <td data-title="Where to">${delivery.destination}</td>
          <td data-title="State">
            <${Pill} kind=${STATES[delivery.state].kind}>${STATES[delivery.state].words}<//>
            ${delivery.waiting && html`<span class="faint"> waits for another</span>`}
          </td>
          <td data-title="Attempts" class="number">${delivery.attempts}</td>
          <td data-title="When">
            ${
              delivery.state === 'pending' && !delivery.waiting && delivery.attempts > 0
                ? html`<${Next} at=${delivery.nextAttempt} now=${now} />`
                : html`<${Moment} at=${delivery.ended} now=${now} />`
            }
          </td>
          <td data-title="Last failure">
            ${delivery.lastFailure === null ? html`<span class="faint">–</span>` : html`<${Reason} reason=${delivery.lastFailure} />`}
          </td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}

/** @param {{ at: string | null, now: number }} properties */
function Next({ at, now }) {
  if (at === null) return html`<span class="faint">–</span>`;
  const seconds = Math.round((Date.parse(at) - now) / 1000);
  return html`<span>${seconds <= 0 ? 'again now' : `again in ${seconds} s`}</span>`;
}
