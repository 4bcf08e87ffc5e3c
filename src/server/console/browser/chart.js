/** Small charts from figures that the service laid out. */

/** @import { Activity } from './api.js' */
/** @import { Figure } from '../figures.ts' */
import { html } from './preact.js';
import { counted, duration } from './words.js';

const SERIES = {
  reported: 'Read and reported',
  skipped: 'Nothing to read',
  failed: 'Failed',
  waitMedian: 'Median',
  wait90: '90 % waited no longer',
};

/** @param {{ activity: Activity }} properties */
export function ActivityCharts({ activity }) {
  const { spans, throughput, waiting, spanMs } = activity;
  const reported = spans.reduce((sum, span) => sum + span.reported, 0);
  const others = spans.reduce((sum, span) => sum + span.skipped + span.failed, 0);
  const waits = spans.flatMap(({ wait90 }) => (wait90 === null ? [] : [wait90]));
  const longest = waits.length === 0 ? null : Math.max(...waits);
  const every = spanMs >= 86_400_000 ? 'day' : spanMs > 3_600_000 ? `${spanMs / 3_600_000} hours` : 'hour';
  return html`<div class="charts">
      <figure>
        <figcaption>Readings per ${every}</figcaption>
        <${Chart} figure=${throughput} label=${`${counted(reported, 'reading')} reported, ${others} skipped or failed`} spanMs=${spanMs} write=${String} />
        <${Legend} of=${['reported', 'skipped', 'failed']} />
      </figure>
      <figure>
        <figcaption>Waiting, from complete to reported</figcaption>
        <${Chart} figure=${waiting} label=${longest === null ? 'Nothing was reported' : `Nine of ten readings waited no longer than ${duration(longest)}`} spanMs=${spanMs} write=${secondsWords} />
        <${Legend} of=${['waitMedian', 'wait90']} />
      </figure>
    </div>
    <details><summary>As a table</summary><${Numbers} spans=${spans} /></details>`;
}

/** @param {{ figure: Figure, label: string, spanMs: number, write: (value: number) => string }} properties */
function Chart({ figure, label, spanMs, write }) {
  const { width, height, base, left, right } = figure;
  /** @type {Intl.DateTimeFormatOptions} */
  const format =
    spanMs >= 86_400_000
      ? { day: 'numeric', month: 'short' }
      : spanMs > 3_600_000
        ? { weekday: 'short', hour: '2-digit' }
        : { hour: '2-digit', minute: '2-digit' };
  return html`<svg class="chart" viewBox=${`0 0 ${width} ${height}`} role="img" aria-label=${label}>
    ${figure.yTicks.map(
      ({ y, value }) => html`<g key=${value}>
        <line class="grid" x1=${left} x2=${right} y1=${y} y2=${y} />
        <text class="tick" x=${left - 6} y=${y + 4} text-anchor="end">${write(value)}</text>
      </g>`,
    )}
    <line class="axis" x1=${left} x2=${right} y1=${base} y2=${base} />
    ${figure.xTicks.map(
      ({ x, at }) =>
        html`<text key=${at} class="tick" x=${x} y=${base + 18}>${new Date(at).toLocaleString(undefined, format)}</text>`,
    )}
    ${figure.bars.map((bar, index) => html`<rect key=${index} class=${`fill-${bar.of}`} x=${bar.x} y=${bar.y} width=${bar.width} height=${bar.height} />`)}
    ${figure.lines.map(({ of, path }) => html`<path key=${of} class=${`line line-${of}`} d=${path} />`)}
    ${figure.dots.map(({ of, x, y }, index) => html`<circle key=${index} class=${`fill-${of}`} cx=${x} cy=${y} r="2.5" />`)}
  </svg>`;
}

/** @param {number} seconds */
function secondsWords(seconds) {
  if (seconds >= 3600) return `${Math.round(seconds / 360) / 10} h`;
  if (seconds >= 60) return `${Math.round(seconds / 6) / 10} min`;
  return `${Math.round(seconds * 10) / 10} s`;
}

/** @param {{ of: readonly (keyof typeof SERIES)[] }} properties */
function Legend({ of }) {
  return html`<ul class="legend">
    ${of.map((name) => html`<li key=${name}><svg viewBox="0 0 10 10" aria-hidden="true"><rect class=${`fill-${name}`} width="10" height="10" rx="2" /></svg> ${SERIES[name]}</li>`)}
  </ul>`;
}

/** @param {{ spans: Activity['spans'] }} properties */
function Numbers({ spans }) {
  return html`<table class="rows">
    <thead>
      <tr><th scope="col">From</th><th scope="col">Reported</th><th scope="col">Skipped</th><th scope="col">Failed</th><th scope="col">Median wait</th><th scope="col">90 %</th></tr>
    </thead>
    <tbody>
      ${spans.map(
        (span) => html`<tr key=${span.from}>
          <th scope="row">${new Date(span.from).toLocaleString(undefined, { dateStyle: 'short', timeStyle: 'short' })}</th>
          <td data-title="Reported">${span.reported}</td>
          <td data-title="Skipped">${span.skipped}</td>
          <td data-title="Failed">${span.failed}</td>
          <td data-title="Median wait">${span.waitMedian === null ? '–' : duration(span.waitMedian)}</td>
          <td data-title="90 %">${span.wait90 === null ? '–' : duration(span.wait90)}</td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}
