/** Small pieces that several pages show. */

/** @import { VNode } from './preact.js' */
/** @import { ApiFailure } from './api.js' */
import { html } from './preact.js';
import { percentInWords, percentOf } from './tenths.js';
import { ago, moment } from './words.js';

/** @param {{ kind: string, children?: unknown }} properties */
export function Pill({ kind, children }) {
  return html`<span class=${`pill pill-${kind}`}>${children}</span>`;
}

/** @param {{ at: string | null, now: number }} properties */
export function Moment({ at, now }) {
  if (at === null) return html`<span class="faint">–</span>`;
  return html`<time datetime=${at} title=${moment(at)}>${ago(at, now)}</time>`;
}

/** @param {{ failure: ApiFailure | { code: string, message: string } }} properties */
export function Failure({ failure }) {
  return html`<p class="failure" role="alert">${failure.message} <code>${failure.code}</code></p>`;
}

export function Loading() {
  return html`<p class="faint" role="status">Loading …</p>`;
}

/**
 * A probability as a bar beside its number.
 *
 * @param {{ tenths: number, kind: string }} properties of a percent
 */
export function Share({ tenths, kind }) {
  return html`<span class="share">
    <svg class="share-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect class="share-ground" width="100" height="8" />
      <rect class=${`share-fill fill-${kind}`} width=${tenths / 10} height="8" />
    </svg>
    <span class="number">${percentInWords(percentOf(tenths))}</span>
  </span>`;
}

/** @param {{ reason: { code: string, message: string } }} properties */
export function Reason({ reason }) {
  return html`<span class="reason">${reason.message} <code>${reason.code}</code></span>`;
}

/**
 * @param {{ title: string, id: string, children?: unknown }} properties
 * @returns {VNode}
 */
export function Section({ title, id, children }) {
  return html`<section class="panel" aria-labelledby=${id}>
    <h2 id=${id}>${title}</h2>
    ${children}
  </section>`;
}
