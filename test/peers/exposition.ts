/** One series of a Prometheus text. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\n"])*)"(?:,|$)/y;

/**
 * The Prometheus text format (0.0.4), taken apart strictly: HELP and TYPE before the samples, each once, names of
 * counters end in _total, buckets grow and end in +Inf, no series twice. Throws at the first fault.
 */
export function parseExposition(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, { type: string; help: string; samples: Sample[] }>();
  const seen = new Set<string>();
  let current: { type: string; help: string; samples: Sample[] } | undefined;
  let name = '';
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, what, family = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (what === 'HELP') {
      if (families.has(family)) throw new Error(`${family} twice`);
      name = family;
      current = { type: '', help: rest, samples: [] };
      families.set(family, current);
    } else if (what === 'TYPE') {
      if (family !== name || current === undefined || current.type !== '')
        throw new Error(`TYPE of ${family}`);
      current.type = rest;
    } else {
      const sample = parseSample(line);
      const base = sample.name.replace(/_(bucket|sum|count)$/, '');
      if (current === undefined || (sample.name !== name && base !== name)) throw new Error(`stray: ${line}`);
      const key = line.slice(0, line.lastIndexOf(' '));
      if (seen.has(key)) throw new Error(`twice: ${key}`);
      seen.add(key);
      current.samples.push(sample);
    }
  }
  for (const [family, { type, samples }] of families) checkFamily(family, type, samples);
  return families;
}

function parseSample(line: string): Sample {
  const [, name, inside = '', number = ''] = SAMPLE.exec(line) ?? [];
  if (name === undefined) throw new Error(`not a sample: ${line}`);
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < inside.length) {
    const found = LABEL.exec(inside);
    if (found?.[1] === undefined) throw new Error(`labels of ${line}`);
    labels[found[1]] = found[2] ?? '';
  }
  const value = number === '+Inf' ? Number.POSITIVE_INFINITY : Number(number);
  if (Number.isNaN(value) && number !== 'Nan' && number !== 'NaN') throw new Error(`value of ${line}`);
  return { name, labels, value };
}

function checkFamily(family: string, type: string, samples: readonly Sample[]): void {
  if (!['counter', 'gauge', 'histogram', 'summary'].includes(type))
    throw new Error(`type of ${family}: ${type}`);
  if (type === 'counter' && !family.endsWith('_total')) throw new Error(`counter without _total: ${family}`);
  if (type !== 'counter' && family.endsWith('_total') && family.startsWith('deephealth')) {
    throw new Error(`_total on a ${type}: ${family}`);
  }
  if (type !== 'histogram') return;
  const groups = new Map<string, Sample[]>();
  for (const sample of samples.filter(({ name }) => name.endsWith('_bucket'))) {
    const { le: _le, ...others } = sample.labels;
    const key = JSON.stringify(others);
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const [key, buckets] of groups) {
    const growing = buckets.every(
      ({ value }, index) => index === 0 || value >= (buckets[index - 1]?.value ?? 0),
    );
    if (!growing || buckets.at(-1)?.labels.le !== '+Inf') throw new Error(`buckets of ${family} ${key}`);
  }
}
