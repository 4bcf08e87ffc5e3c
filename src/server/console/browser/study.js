/** A study's page: what was seen, what was said, where it went. */

/** @import { StudyHistory } from './api.js' */
import { postJson, studyPath } from './api.js';
import { Deliveries } from './delivery-view.js';
import { Feedback } from './feedback-view.js';
import { Films } from './film-view.js';
import { History } from './history-view.js';
import { useLive, useNow } from './live.js';
import { Failure, Loading, Moment, Pill, Reason, Section } from './parts.js';
import { html, useState } from './preact.js';
import { Results } from './report-view.js';
import { counted, dicomDate, findingWords, STATE_WORDS } from './words.js';

const EVERY_MS = 2000;

/** @param {{ study: string }} properties */
export function StudyPage({ study }) {
  const now = useNow(10_000);
  /** @type {import('./live.js').Live<StudyHistory>} */
  const { value, failure, refresh } = useLive(studyPath(study), EVERY_MS);
  return html`<div class="study">
    <p class="back"><a href="#/">← Worklist</a></p>
    ${value === null && html`<h1>Study</h1>`}
    ${failure !== null && html`<${Failure} failure=${failure} />`}
    ${value === null && failure === null && html`<${Loading} />`}
    ${value !== null && html`<${Whole} history=${value} now=${now} refresh=${refresh} />`}
  </div>`;
}

/** @param {{ history: StudyHistory, now: number, refresh: () => void }} properties */
function Whole({ history, now, refresh }) {
  return html`<${Head} history=${history} now=${now} refresh=${refresh} />
    <${Films} history=${history} />
    <${Results} study=${history.study} objects=${history.objects} />
    <${Section} title="Deliveries" id="deliveries"><${Deliveries} deliveries=${history.deliveries} now=${now} /><//>
    <${Section} title="Feedback" id="feedback">
      <${Feedback} study=${history.study} given=${history.feedback} isRead=${history.readings.length > 0} refresh=${refresh} now=${now} />
    <//>
    <${Section} title="What happened" id="history"><${History} events=${history.events} /><//>`;
}

/** @param {{ history: StudyHistory, now: number, refresh: () => void }} properties */
function Head({ history, now, refresh }) {
  const { patient, priority, state, reason, source } = history;
  const result = /** @type {import('../../../reading/summary.ts').StudySummary | null} */ (history.result);
  const origin =
    source.pacs === null ? (source.kind === 'receive' ? 'pushed' : 'announced') : `from ${source.pacs}`;
  return html`<div class="head">
    ${result !== null && html`<p class="eyebrow" aria-hidden="true">AI finding</p>`}
    <h1 class=${`finding-${result?.pneumonia ?? 'none'}`}>
      ${result === null ? (state === 'skipped' ? 'Nothing to read' : 'Not read yet') : html`<span class="unseen">AI finding: </span>${findingWords(result)}`}
    </h1>
    <p class="tags">
      ${priority === 'stat' && html`<${Pill} kind="stat">STAT<//>`}
      <${Pill} kind=${state}>${STATE_WORDS[state] ?? state}<//>
      <span class="faint">${counted(history.films.filter(({ role }) => role === 'film').length, 'film')} ${origin}, <${Moment} at=${history.noticed} now=${now} />${history.run > 1 ? `, reading ${history.run}` : ''}</span>
    </p>
    ${
      patient !== undefined &&
      html`<dl class="facts patient-block">
        <div><dt>Patient</dt><dd>${patient.name ?? 'No name'}</dd></div>
        <div><dt>Id</dt><dd>${patient.id ?? '–'}</dd></div>
        <div><dt>Born</dt><dd>${patient.birthDate === null ? '–' : dicomDate(patient.birthDate)} ${patient.sex ?? ''}</dd></div>
        <div><dt>Accession</dt><dd>${patient.accession ?? '–'}</dd></div>
        <div><dt>Study date</dt><dd>${patient.studyDate === null ? '–' : dicomDate(patient.studyDate)}</dd></div>
      </dl>`
    }
    <p class="uid whole">Study ${history.study}</p>
    ${reason !== null && html`<p class="notice"><${Reason} reason=${reason} /></p>`}
    ${result !== null && result.conclusion !== '' && html`<p class="conclusion">${result.conclusion}</p>`}
    <${Actions} history=${history} refresh=${refresh} />
  </div>`;
}

/** @param {{ history: StudyHistory, refresh: () => void }} properties */
function Actions({ history, refresh }) {
  const [outcome, setOutcome] = useState('');
  const [asks, setAsks] = useState(false);
  const [busy, setBusy] = useState(false);
  const parked = history.deliveries.filter(
    ({ state, run }) => state === 'parked' && run === history.run,
  ).length;
  const stuck = history.state === 'failed' || parked > 0;

  /** @param {boolean} reread */
  async function retry(reread) {
    setBusy(true);
    setAsks(false);
    try {
      const answer = await postJson(`${studyPath(history.study)}/retry`, reread ? { reread } : {});
      setOutcome(outcomeWords(String(answer.outcome)));
    } catch (error) {
      setOutcome(error instanceof Error ? error.message : 'An unknown failure.');
    }
    setBusy(false);
    refresh();
  }

  return html`<div class="actions">
    ${stuck && html`<button type="button" class="main" disabled=${busy} onClick=${() => retry(false)}>Retry${parked > 0 ? ` ${counted(parked, 'parked delivery', 'parked deliveries')}` : ''}</button>`}
    ${
      asks
        ? html`<span class="question" role="group" aria-label="Read again?">
            Makes new results where today’s model says otherwise.
            <button type="button" class="main" disabled=${busy} onClick=${() => retry(true)}>Read it again</button>
            <button type="button" onClick=${() => setAsks(false)}>Cancel</button>
          </span>`
        : html`<button type="button" disabled=${busy} onClick=${() => setAsks(true)}>Read again …</button>`
    }
    <span role="status">${outcome}</span>
  </div>`;
}

/** @param {string} outcome */
function outcomeWords(outcome) {
  if (outcome === 'queued') return 'It is in the queue.';
  if (outcome === 'deliveries') return 'The deliveries are taken up again.';
  return 'There is nothing to retry.';
}
