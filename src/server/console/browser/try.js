/** Try a film: nothing is kept. */

/** @import { TriedFilm } from './api.js' */
import { ApiFailure, postFilm } from './api.js';
import { FilmPair } from './film-view.js';
import { Failure, Section } from './parts.js';
import { html, useEffect, useRef, useState } from './preact.js';
import { ReadingView } from './reading-view.js';
import { duration, findingWords, size } from './words.js';

/** @typedef {{ readonly tried: TriedFilm, readonly film: string, readonly heatMap: string }} Shown */

export function TryPage() {
  const [shown, setShown] = useState(/** @type {Shown | null} */ (null));
  const [failure, setFailure] = useState(/** @type {ApiFailure | null} */ (null));
  const [name, setName] = useState('');
  const [busy, setBusy] = useState(false);
  const [isOver, setOver] = useState(false);
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(
    () => () => {
      if (shown === null) return;
      URL.revokeObjectURL(shown.film);
      URL.revokeObjectURL(shown.heatMap);
    },
    [shown],
  );

  /** @param {File | null | undefined} file */
  async function take(file) {
    if (!file || busy) return;
    setBusy(true);
    setFailure(null);
    setShown(null);
    setName(`${file.name}, ${size(file.size)}`);
    try {
      const tried = await postFilm(file, await typeOf(file));
      setShown({ tried, film: pictureUrl(tried.pictures.film), heatMap: pictureUrl(tried.pictures.heatMap) });
    } catch (error) {
      setFailure(
        error instanceof ApiFailure ? error : new ApiFailure('unknown', 'The file could not be read.'),
      );
    }
    setBusy(false);
    if (input.current !== null) input.current.value = '';
  }

  /** @param {DragEvent} event @param {boolean} over */
  function drag(event, over) {
    event.preventDefault();
    setOver(over);
  }

  return html`<div class="try">
    <h1>Try a film</h1>
    <div
      class=${isOver ? 'drop over' : 'drop'}
      onDragOver=${(/** @type {DragEvent} */ event) => drag(event, true)}
      onDragLeave=${(/** @type {DragEvent} */ event) => drag(event, false)}
      onDrop=${(/** @type {DragEvent} */ event) => {
        drag(event, false);
        void take(event.dataTransfer?.files[0]);
      }}
    >
      <label class="file">
        <span>Choose a frontal chest film, or drop one here</span>
        <input ref=${input} type="file" accept=".dcm,.dicom,.jpg,.jpeg,.png,image/jpeg,image/png,application/dicom"
          aria-describedby="kinds" disabled=${busy}
          onChange=${(/** @type {Event} */ event) => take(/** @type {HTMLInputElement} */ (event.target).files?.[0])} />
      </label>
      <p class="faint small" id="kinds">DICOM, JPEG or PNG. It is read here, in your hospital’s service, and not kept.</p>
    </div>
    <p role="status">${busy ? `Reading ${name} …` : shown !== null ? `Read ${name}` : ''}</p>
    ${failure !== null && html`<${Failure} failure=${failure} />`}
    ${shown !== null && html`<${Answer} shown=${shown} />`}
  </div>`;
}

/** @param {{ shown: Shown }} properties */
function Answer({ shown }) {
  const { answer, original, remarks } = shown.tried;
  const spent = Object.values(answer.timingsMs).reduce((sum, ms) => sum + ms, 0);
  return html`<${Section} title="Answer" id="answer">
      <dl class="answers">
        <div>
          <dt>Deep Health reports</dt>
          <dd class=${`finding-${answer.pneumonia}`}>${findingWords(answer)}</dd>
        </div>
        <div>
          <dt>In the words of the original web page</dt>
          <dd class="original"><span class="original-number">${original.number}</span> ${original.words}</dd>
        </div>
      </dl>
      <p class="faint small">
        The original had three answers, 0 no pneumonia, 1 bacterial, 2 viral pneumonia, and always gave the likeliest:
        that is this number. Deep Health gives no answer, or leaves the type open, where the film does not carry one.
      </p>
    <//>
    <div class="film-row">
      <${Section} title="Film and heat map" id="film"><${FilmPair} film=${shown.film} heatMap=${shown.heatMap} /><//>
      <${Section} title="Reading" id="reading">
        <${ReadingView} reading=${answer} />
        ${remarks.length > 0 && html`<ul class="remarks">${remarks.map(({ code, message }) => html`<li key=${code}>${message} <code>${code}</code></li>`)}</ul>`}
        <p class="faint small">Read in ${duration(spent)}.</p>
      <//>
    </div>`;
}

/**
 * The media type by the first bytes: names and what the system makes of them are often wrong.
 *
 * @param {File} file
 */
async function typeOf(file) {
  const [a, b, c, d] = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  if (a === 0xff && b === 0xd8 && c === 0xff) return 'image/jpeg';
  if (a === 0x89 && b === 0x50 && c === 0x4e && d === 0x47) return 'image/png';
  return 'application/dicom';
}

/** @param {string} base64 of a PNG file */
function pictureUrl(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return URL.createObjectURL(new Blob([bytes], { type: 'image/png' }));
}
