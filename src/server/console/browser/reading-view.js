/** What the model said of one film. */

/** @import { Reading } from '../../../ai/reading.ts' */
import { Pill, Share } from './parts.js';
import { html } from './preact.js';
import { tenthsOf } from './tenths.js';
import { findingWords, LABEL_WORDS, LABELS } from './words.js';

const APPLICABILITY = {
  in: { kind: 'good', words: 'Inside the trained population' },
  out: { kind: 'warn', words: 'Outside the trained population' },
  unknown: { kind: 'neutral', words: 'Population not known' },
};
const QUALITY = {
  diagnostic: { kind: 'good', words: 'Diagnostic' },
  limited: { kind: 'warn', words: 'Limited' },
  'non-diagnostic': { kind: 'bad', words: 'Non-diagnostic' },
};
const KINDS = { normal: 'absent', 'bacterial-pneumonia': 'present', 'viral-pneumonia': 'present' };
const TRIAGE = {
  off: 'Off',
  'category-2': 'Category 2 (hours)',
  'category-3': 'Category 3 (days)',
  none: 'Nothing to flag',
  abstained: 'Abstained',
};

/** @param {{ reading: Pick<Reading, 'label' | 'pneumonia' | 'probabilities' | 'abstained' | 'applicability' | 'quality' | 'triage' | 'model'> }} properties */
export function ReadingView({ reading }) {
  const { applicability, quality, abstained, model } = reading;
  const tenths = tenthsOf(reading.probabilities);
  return html`<div class="reading">
    <p class=${`answer finding-${reading.pneumonia}`}>
      ${findingWords(reading)}
      <span class="faint"> · pneumonia ${reading.pneumonia}</span>
    </p>
    ${abstained !== null && html`<p class="notice">${abstained.message} <code>${abstained.code}</code></p>`}
    <table class="shares">
      <caption class="unseen">Probabilities</caption>
      <tbody>
        ${LABELS.map(
          (label) => html`<tr key=${label} class=${reading.label === label ? 'chosen' : ''}>
            <th scope="row" class="share-name">${LABEL_WORDS[label]}</th>
            <td class="share-cell"><${Share} tenths=${tenths[label]} kind=${KINDS[label]} /></td>
          </tr>`,
        )}
      </tbody>
    </table>
    <dl class="facts">
      <div>
        <dt>Applicability</dt>
        <dd><${Pill} kind=${APPLICABILITY[applicability.status].kind}>${APPLICABILITY[applicability.status].words}<//>
          <${Remarks} remarks=${applicability.reasons} /></dd>
      </div>
      <div>
        <dt>Image quality for the model</dt>
        <dd><${Pill} kind=${QUALITY[quality.status].kind}>${QUALITY[quality.status].words}<//>
          <${Remarks} remarks=${quality.reasons} /></dd>
      </div>
      <div><dt>Triage</dt><dd>${TRIAGE[reading.triage]}</dd></div>
      <div><dt>Model</dt><dd>${model.name} ${model.version} <code title=${model.sha256}>${model.sha256.slice(0, 12)}</code></dd></div>
    </dl>
  </div>`;
}

/** @param {{ remarks: readonly { code: string, message: string }[] }} properties */
function Remarks({ remarks }) {
  if (remarks.length === 0) return null;
  return html`<ul class="remarks">
    ${remarks.map(({ code, message }) => html`<li key=${code}>${message} <code>${code}</code></li>`)}
  </ul>`;
}
