/** The results that were made, as their receivers get them. */

/** @import { ResultContent, StudyHistory } from './api.js' */
/** @import { SrDocument, SrItem } from '../sr-tree.ts' */
import { studyPath } from './api.js';
import { useLive } from './live.js';
import { Failure, Loading, Section } from './parts.js';
import { html, useState } from './preact.js';
import { OBJECT_WORDS, size } from './words.js';

/** Results never change once they are made. */
const EVERY_MS = 600_000;
const ORDER = ['sr-text', 'sr-air', 'oru'];

/** @param {{ study: string, objects: StudyHistory['objects'] }} properties */
export function Results({ study, objects }) {
  const last = Math.max(...objects.map(({ run }) => run));
  const shown = objects
    .filter(({ kind }) => ORDER.includes(kind))
    .toSorted((a, b) => b.run - a.run || ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
  if (shown.length === 0) return null;
  return html`<${Section} title="Reports" id="reports">
    ${shown.map(
      (object) => html`<${Result}
        key=${`${object.kind} ${object.uid}`}
        study=${study}
        object=${object}
        isFirst=${object === shown[0]}
        isOld=${object.run < last}
      />`,
    )}
  <//>`;
}

/** @param {{ study: string, object: StudyHistory['objects'][number], isFirst: boolean, isOld: boolean }} properties */
function Result({ study, object, isFirst, isOld }) {
  const [isOpen, setOpen] = useState(isFirst);
  return html`<details class="result" open=${isOpen} onToggle=${(/** @type {Event} */ event) => setOpen(/** @type {HTMLDetailsElement} */ (event.target).open)}>
    <summary>${OBJECT_WORDS[object.kind] ?? object.kind}
      <span class="faint"> ${isOld ? `of reading ${object.run}, ` : ''}${size(object.bytes)}</span>
    </summary>
    ${isOpen && html`<${Content} path=${`${studyPath(study)}/objects/${encodeURIComponent(object.uid)}/content`} />`}
  </details>`;
}

/** @param {{ path: string }} properties */
function Content({ path }) {
  /** @type {import('./live.js').Live<ResultContent>} */
  const { value, failure } = useLive(path, EVERY_MS);
  if (failure !== null) return html`<${Failure} failure=${failure} />`;
  if (value === null) return html`<${Loading} />`;
  if (value.kind === 'oru') return html`<${Oru} segments=${value.segments} covered=${value.covered} />`;
  return html`<${Tree} report=${value} />`;
}

/** @param {{ segments: readonly string[], covered: boolean }} properties */
function Oru({ segments, covered }) {
  return html`<pre class="oru" tabindex="0" aria-label="HL7 message">${segments.map((segment, index) => html`<span key=${index} class="segment"><b>${segment.slice(0, 3)}</b>${segment.slice(3)}${'\n'}</span>`)}</pre>
    ${covered && html`<p class="faint small">••• covers what tells who the patient is; the message that is sent holds it.</p>`}`;
}

/** @param {{ report: SrDocument }} properties */
function Tree({ report }) {
  const { root, completion, verification, preliminary } = report;
  const flags = [completion, verification, preliminary].filter((flag) => flag !== null).join(' · ');
  return html`<div class="sr">
    <p class="sr-title">${report.title ?? 'Structured Report'} <span class="faint">${flags}</span></p>
    <ul class="tree">${root.items.map((item, index) => html`<${Item} key=${index} item=${item} />`)}</ul>
  </div>`;
}

/** @param {{ item: SrItem }} properties */
function Item({ item }) {
  const { name, value, code, type, items } = item;
  const isContext = item.relationship === 'HAS OBS CONTEXT' || item.relationship === 'HAS CONCEPT MOD';
  return html`<li class=${isContext ? 'context' : ''}>
    <span class="sr-name" title=${[item.relationship, type].filter(Boolean).join(' ')}>${name ?? type.toLowerCase()}</span>
    ${value !== null && html`<span class="sr-value" title=${code ?? ''}>${value}</span>`}
    ${items.length > 0 && html`<ul>${items.map((each, index) => html`<${Item} key=${index} item=${each} />`)}</ul>`}
  </li>`;
}
