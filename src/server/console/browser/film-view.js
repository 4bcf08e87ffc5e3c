/** The films of a study: each beside its heat map, with what was said of it. */

/** @import { StudyHistory } from './api.js' */
import { studyPath } from './api.js';
import { usePicture } from './live.js';
import { Loading, Reason, Section } from './parts.js';
import { html, useState } from './preact.js';
import { ReadingView } from './reading-view.js';
import { filmNames } from './words.js';

/** @param {{ history: StudyHistory }} properties */
export function Films({ history }) {
  const films = history.films.filter(({ role }) => role === 'film');
  const names = filmNames(films);
  const [chosen, setChosen] = useState(/** @type {string | null} */ (null));
  const read = films.find(({ selection }) => selection?.kind === 'read');
  const shown = films.find(({ sopInstanceUid }) => sopInstanceUid === chosen) ?? read ?? films[0];
  if (shown === undefined) return html`<p class="notice">The study holds no film.</p>`;
  const reading = history.readings.findLast(({ sopInstanceUid }) => sopInstanceUid === shown.sopInstanceUid);
  return html`<div class="films">
    ${
      films.length > 1 &&
      html`<div class="choices" role="group" aria-label="Films">
        ${films.map(
          (film, index) => html`<button
            type="button"
            key=${film.sopInstanceUid}
            aria-pressed=${film === shown ? 'true' : 'false'}
            onClick=${() => setChosen(film.sopInstanceUid)}
          >${names[index]}</button>`,
        )}
      </div>`
    }
    <div class="film-row">
      <${Section} title="Film and heat map" id="film">
        <${StoredFilm} key=${`${shown.sopInstanceUid} ${reading?.run}`} study=${history.study} instance=${shown.sopInstanceUid} hasReading=${reading !== undefined} />
        ${shown.selection !== null && shown.selection.kind !== 'read' && html`<p class="notice"><${Reason} reason=${shown.selection.reason} /></p>`}
      <//>
      <${Section} title="Reading" id="reading">
        ${reading === undefined ? html`<p class="faint">This film was not read.</p>` : html`<${ReadingView} reading=${reading} />`}
      <//>
    </div>
  </div>`;
}

/** @param {{ study: string, instance: string, hasReading: boolean }} properties */
function StoredFilm({ study, instance, hasReading }) {
  const base = `${studyPath(study)}/films/${encodeURIComponent(instance)}`;
  const film = usePicture(`${base}/picture`);
  const heatMap = usePicture(hasReading && film.url !== null ? `${base}/heat-map` : null);
  if (film.failure !== null) {
    return html`<div class="placeholder" role="img" aria-label="The film cannot be shown">
      <p>The film cannot be shown here.</p>
      <p class="faint">${film.failure.message} <code>${film.failure.code}</code></p>
    </div>`;
  }
  if (film.url === null) return html`<div class="placeholder"><${Loading} /></div>`;
  return html`<${FilmPair} film=${film.url} heatMap=${heatMap.url} missing=${heatMap.failure?.message ?? null} />`;
}

/**
 * A film and the same film under its heat map, which a slider takes away.
 *
 * @param {{ film: string, heatMap: string | null, missing?: string | null }} properties
 */
export function FilmPair({ film, heatMap, missing = null }) {
  const [strength, setStrength] = useState(100);
  return html`<div class="pair">
    <figure>
      <img src=${film} alt="Chest film" />
      <figcaption>Film</figcaption>
    </figure>
    <figure>
      <div class="stack">
        <img src=${film} alt="" />
        ${heatMap !== null && html`<img class="over" src=${heatMap} alt="Heat map over the film" style=${{ opacity: strength / 100 }} />`}
      </div>
      <figcaption>
        ${
          heatMap === null
            ? (missing ?? 'Heat map')
            : html`<label class="slider">Heat map
                <input type="range" min="0" max="100" step="5" value=${strength}
                  aria-valuetext=${`${strength} percent`}
                  onInput=${(/** @type {Event} */ event) => setStrength(Number(/** @type {HTMLInputElement} */ (event.target).value))} />
                <output class="number">${strength} %</output>
              </label>`
        }
      </figcaption>
    </figure>
  </div>
  ${heatMap !== null && html`<p class="faint small">Colours show what the model reacts to, not the extent of disease. Reduced in size: not for diagnosis.</p>`}`;
}
