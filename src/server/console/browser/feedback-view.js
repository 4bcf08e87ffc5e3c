/** A radiologist's word on the reading. */

/** @import { Label } from '../../../ai/reading.ts' */
/** @import { StudyHistory } from './api.js' */
import { postJson, studyPath } from './api.js';
import { Moment, Pill } from './parts.js';
import { html, useState } from './preact.js';
import { LABEL_WORDS, LABELS } from './words.js';

const LONGEST = 2000;

/** @param {{ study: string, given: StudyHistory['feedback'], isRead: boolean, refresh: () => void, now: number }} properties */
export function Feedback({ study, given, isRead, refresh, now }) {
  return html`${
    given.length > 0 &&
    html`<ul class="given">
      ${given.map(
        ({ agree, label, comment, author, at }, index) => html`<li key=${index}>
          <${Pill} kind=${agree ? 'good' : 'warn'}>${agree ? 'Agrees' : 'Disagrees'}<//>
          ${label !== null && html`<b>${LABEL_WORDS[/** @type {Label} */ (label)] ?? label}</b>`}
          ${comment !== null && html`<q>${comment}</q>`}
          <span class="faint">${author ?? 'not signed in'}, <${Moment} at=${at} now=${now} /></span>
        </li>`,
      )}
    </ul>`
  }
    ${isRead ? html`<${Form} study=${study} refresh=${refresh} />` : html`<p class="faint">There is no reading to agree with.</p>`}`;
}

/** @param {{ study: string, refresh: () => void }} properties */
function Form({ study, refresh }) {
  const [agree, setAgree] = useState(/** @type {boolean | null} */ (null));
  const [label, setLabel] = useState('');
  const [comment, setComment] = useState('');
  const [said, setSaid] = useState('');
  const [busy, setBusy] = useState(false);

  /** @param {Event} event */
  async function send(event) {
    event.preventDefault();
    if (agree === null || busy) return;
    setBusy(true);
    try {
      await postJson(`${studyPath(study)}/feedback`, {
        agree,
        ...(agree || label === '' ? {} : { label }),
        ...(comment.trim() === '' ? {} : { comment: comment.trim() }),
      });
      setSaid('Thank you, it is recorded.');
      setAgree(null);
      setLabel('');
      setComment('');
    } catch (error) {
      setSaid(error instanceof Error ? error.message : 'An unknown failure.');
    }
    setBusy(false);
    refresh();
  }

  /** @param {boolean} value @param {string} words */
  const radio = (value, words) =>
    html`<label><input type="radio" name="agree" checked=${agree === value} onChange=${() => setAgree(value)} /> ${words}</label>`;
  return html`<form class="feedback" onSubmit=${send}>
    <fieldset>
      <legend>Is the reading right?</legend>
      ${radio(true, 'I agree')} ${radio(false, 'I do not agree')}
    </fieldset>
    ${
      agree === false &&
      html`<label>What it is instead
        <select value=${label} onChange=${(/** @type {Event} */ event) => setLabel(/** @type {HTMLSelectElement} */ (event.target).value)}>
          <option value="">Something else, or not sure</option>
          ${LABELS.map((each) => html`<option key=${each} value=${each}>${LABEL_WORDS[each]}</option>`)}
        </select>
      </label>`
    }
    <label>Comment (no patient data, please)
      <textarea rows="2" maxlength=${LONGEST} value=${comment} onInput=${(/** @type {Event} */ event) => setComment(/** @type {HTMLTextAreaElement} */ (event.target).value)}></textarea>
    </label>
    <div class="actions">
      <button type="submit" class="main" disabled=${agree === null || busy}>Send feedback</button>
      <span role="status">${said}</span>
    </div>
  </form>`;
}
