/** Everything that happened to a study, the last first. */

/** @import { StudyHistory } from './api.js' */
import { Reason } from './parts.js';
import { html } from './preact.js';
import { eventWords, moment } from './words.js';

/** @param {{ events: StudyHistory['events'] }} properties */
export function History({ events }) {
  return html`<details>
    <summary>${events.length} entries</summary>
    <ol class="history" reversed>
      ${events.toReversed().map(
        ({ at, kind, subject, reason }, index) => html`<li key=${events.length - index}>
          <time datetime=${at}>${at === null ? '' : moment(at)}</time>
          <span>${eventWords(kind)} ${subject ?? ''} ${reason !== null && html`<${Reason} reason=${reason} />`}</span>
        </li>`,
      )}
    </ol>
  </details>`;
}
