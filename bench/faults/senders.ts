import { setTimeout as sleep } from 'node:timers/promises';
import type { Chance } from '../../src/dicom/phantom/random.ts';
import type { Orthanc } from '../../test/peers/orthanc.ts';
import { type Ending, stamped, stampedUid, type Template, type Templates } from '../load/films.ts';
import { authorizationOf } from '../load/outside.ts';

/** How a study comes. */
export type Way = 'push' | 'poll' | 'notify';

/** A study that somebody was promised something about. */
export interface Promised {
  readonly study: string;
  readonly way: Way;
  readonly ending: Ending;
  readonly template: string;
  /** Films that were acknowledged; a second one came late. */
  readonly films: number;
  /** `performance.now()` of the last acknowledgement. */
  readonly at: number;
}

export interface Sending {
  /** Base URL of the service. */
  readonly url: string;
  readonly orthanc: Orthanc;
  readonly templates: Templates;
  readonly luck: Chance;
  /** Tells the studies of this run from others. */
  readonly batch: number;
  /** Share of each way; they add up to 1. */
  readonly ways: Readonly<Record<Way, number>>;
  /** Share of readable studies of which a second film comes later. */
  readonly late: number;
  /** Date of the studies, YYYYMMDD. */
  readonly date: string;
}

/** Modalities: each study is sent again and again until somebody says that it is kept. */
export interface Senders {
  /** Begins with the next study; resolves when everything of it is acknowledged. */
  send(): Promise<void>;
  readonly promised: ReadonlyMap<string, Promised>;
  /** Requests that were not answered with a success. */
  readonly refusals: number;
}

export function createSenders(sending: Sending): Senders {
  const { url, orthanc, templates, luck, batch, ways, date } = sending;
  const promised = new Map<string, Promised>();
  let refusals = 0;
  let number = 0;

  async function insist(attempt: () => Promise<boolean>): Promise<void> {
    for (let pause = 200; !(await attempt().catch(() => false)); pause = Math.min(3000, pause * 2)) {
      refusals += 1;
      await sleep(pause);
    }
  }

  function film(template: Template, study: number, index: number) {
    const instance = stampedUid(3, batch, 10 * study + index);
    const bytes = stamped(template, {
      study: stampedUid(1, batch, study),
      series: stampedUid(2, batch, study),
      instance,
      patient: `P${String(study).padStart(11, '0')}`,
      date,
    });
    return { instance, bytes };
  }

  async function push({ instance, bytes }: ReturnType<typeof film>): Promise<boolean> {
    return pushFilm(url, instance, bytes);
  }

  async function store({ bytes }: ReturnType<typeof film>): Promise<boolean> {
    const answer = await fetch(`${orthanc.restUrl}/instances`, {
      method: 'POST',
      headers: { ...authorizationOf(orthanc), 'content-type': 'application/dicom' },
      body: bytes,
      signal: AbortSignal.timeout(20_000),
    });
    await answer.body?.cancel();
    return answer.ok;
  }

  async function notify(study: string): Promise<boolean> {
    const answer = await fetch(`${url}/api/studies/${study}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ source: 'archive', priority: luck.next() < 0.2 ? 'stat' : 'routine' }),
      signal: AbortSignal.timeout(20_000),
    });
    await answer.body?.cancel();
    return answer.status === 202;
  }

  return {
    promised,
    get refusals() {
      return refusals;
    },
    async send() {
      number += 1;
      const mine = number;
      const readable = mine % 10 !== 0;
      const choice = readable ? templates.readable : templates.unreadable;
      const template = choice[Math.floor(luck.next() * choice.length)];
      if (template === undefined) throw new Error('no templates');
      const drawn = luck.next();
      // A PACS refuses a file that is cut off; a modality sends it all the same.
      const pushed = drawn < ways.push || template.ending === 'failed';
      const way: Way = pushed ? 'push' : drawn < ways.push + ways.poll ? 'poll' : 'notify';
      const films = readable && luck.next() < sending.late ? 2 : 1;
      const study = stampedUid(1, batch, mine);
      for (let index = 0; index < films; index += 1) {
        if (index > 0) await sleep(luck.between(500, 15_000));
        const one = film(template, mine, index);
        await insist(() => (way === 'push' ? push(one) : store(one)));
        if (way === 'notify') await insist(() => notify(study));
        promised.set(study, {
          ...{ study, way, ending: template.ending, template: template.name },
          films: index + 1,
          at: performance.now(),
        });
      }
    },
  };
}

/** Pushes one film by STOW-RS; true when the answer says that this very instance is kept. */
export async function pushFilm(url: string, instance: string, film: Uint8Array): Promise<boolean> {
  const boundary = `film-${instance.slice(-12)}`;
  const body = Buffer.concat([
    Buffer.from(`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`),
    film,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  const answer = await fetch(`${url}/dicom-web/studies`, {
    method: 'POST',
    headers: {
      'content-type': `multipart/related; type="application/dicom"; boundary=${boundary}`,
      accept: 'application/dicom+json',
    },
    body,
    signal: AbortSignal.timeout(60_000),
  });
  const text = await answer.text();
  if (answer.status !== 200) return false;
  const stored = JSON.parse(text) as { '00081199'?: { Value?: { '00081155'?: { Value?: string[] } }[] } };
  return stored['00081199']?.Value?.some((item) => item['00081155']?.Value?.[0] === instance) === true;
}
