import type { Problem } from './interpolate.ts';
import { nearest } from './nearest.ts';
import type { Config } from './schema.ts';
import { parseDuration, parseSize } from './units.ts';

/** Something that single keys cannot tell: values that do not go together. */
export interface Contradiction extends Problem {
  /** Paths that were looked at; where one of them was guessed, nothing can be said. */
  readonly looksAt: readonly string[];
}

const DAY_MS = 24 * 60 * 60_000;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

/** Whether a host is this machine. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host.replace(/^\[(.*)\]$/, '$1'));
}

/** All values of a configuration that do not go together. */
export function contradictions(config: Config): Contradiction[] {
  return [
    ...openToAll(config),
    ...namesTwice(config),
    ...unknownDestinations(config),
    ...forgottenTooSoon(config),
    ...limits(config),
    ...halfCertificates(config),
    ...timeZone(config),
    ...sameModel(config),
  ];
}

function openToAll({ server: { host, users, tokens } }: Config): Contradiction[] {
  if (isLoopback(host) || users.length > 0 || tokens.length > 0) return [];
  return [
    {
      path: 'server.host',
      value: JSON.stringify(host),
      message: 'Without users or tokens the service listens on a loopback address only.',
      remedy: 'Add server.users or server.tokens, or use 127.0.0.1.',
      looksAt: ['server.host', 'server.users', 'server.tokens'],
    },
  ];
}

/** Each is a destination of its own in the ledger (`folder` is the outbox), each user one in the audit trail. */
function namesTwice({ pacs, ris, server }: Config): Contradiction[] {
  const found: Contradiction[] = [];
  const lists = [
    ['server.users', server.users],
    ['server.tokens', server.tokens],
    ['pacs', pacs],
    ['ris', ris],
  ] as const;
  for (const [list, entries] of lists) {
    const names = entries.map((entry) => entry.name);
    names.forEach((name, index) => {
      const path = `${list}.${index}.name`;
      const problem = { path, value: JSON.stringify(name), looksAt: [path] };
      const first = names.indexOf(name);
      if (first !== index) {
        found.push({
          ...problem,
          message: 'This name is used twice.',
          remedy: 'Give each entry a name of its own.',
          looksAt: [path, `${list}.${first}.name`],
        });
      }
      if (list !== 'pacs' && list !== 'ris') return;
      if (name === 'folder') {
        found.push({
          ...problem,
          message: 'This name stands for the outbox folder.',
          remedy: 'Use another name.',
        });
      }
      const archive = list === 'ris' ? pacs.findIndex((entry) => entry.name === name) : -1;
      if (archive >= 0) {
        found.push({
          ...problem,
          message: 'A PACS has this name already.',
          remedy: 'Give the RIS another name.',
          looksAt: [path, `pacs.${archive}.name`],
        });
      }
    });
  }
  return found;
}

function unknownDestinations({ pacs, report }: Config): Contradiction[] {
  const known = pacs.map((entry) => entry.name);
  return (report.to ?? []).flatMap((entry, index) => {
    if (known.includes(entry)) return [];
    const meant = nearest(entry, known);
    const path = `report.to.${index}`;
    return [
      {
        path,
        value: JSON.stringify(entry),
        message: 'No PACS has this name.',
        remedy:
          meant !== undefined
            ? `Did you mean ${meant}?`
            : known.length === 0
              ? 'Add it to pacs, or leave report.to out: results then go to the outbox folder.'
              : `Name an entry of pacs: ${known.join(', ')}.`,
        looksAt: [path, ...known.map((_name, at) => `pacs.${at}.name`)],
      },
    ];
  });
}

/** What is forgotten while the archive still shows it would be new, read and reported once more. */
function forgottenTooSoon({ pacs, storage }: Config): Contradiction[] {
  const retention = parseDuration(storage.retention);
  const days = Math.max(0, ...pacs.map(({ poll }) => poll?.days ?? 0));
  if (retention === undefined || days === 0 || retention >= (days + 2) * DAY_MS) return [];
  return [
    {
      path: 'storage.retention',
      value: JSON.stringify(storage.retention),
      message: `Polls ask ${days} days back: studies would be forgotten while they are still found, and read again.`,
      remedy: `Keep them for ${days + 2} d at least.`,
      looksAt: ['storage.retention', ...pacs.map((_entry, index) => `pacs.${index}.poll.days`)],
    },
  ];
}

function limits({ server, select }: Config): Contradiction[] {
  const found: Contradiction[] = [];
  if ((parseSize(server.maxFilm) ?? 0) > (parseSize(server.maxRequest) ?? 0)) {
    found.push({
      path: 'server.maxFilm',
      value: JSON.stringify(server.maxFilm),
      message: `A request may not be larger than ${server.maxRequest}, so no film of this size can come in.`,
      remedy: 'Raise server.maxRequest above it.',
      looksAt: ['server.maxFilm', 'server.maxRequest'],
    });
  }
  if (select.minAspect >= select.maxAspect) {
    found.push({
      path: 'select.minAspect',
      value: String(select.minAspect),
      message: 'It is not below select.maxAspect, so every film would be refused.',
      remedy: 'Leave both out, or set minAspect below maxAspect.',
      looksAt: ['select.minAspect', 'select.maxAspect'],
    });
  }
  return found;
}

function halfCertificates(config: Config): Contradiction[] {
  const { audit } = config.observe;
  const places = [
    ...config.pacs.map(({ tls }, index) => [`pacs.${index}.tls`, tls] as const),
    ...config.ris.map(({ tls }, index) => [`ris.${index}.tls`, tls] as const),
    ['observe.audit.tls', audit.type === 'syslog' ? audit.tls : undefined] as const,
  ];
  return places.flatMap(([path, tls]) => {
    if ((tls?.cert === undefined) === (tls?.key === undefined)) return [];
    const [there, missing] = tls?.cert === undefined ? ['key', 'cert'] : ['cert', 'key'];
    return [
      {
        path: `${path}.${missing}`,
        message: `There is ${there} without ${missing}: our certificate cannot be shown.`,
        remedy: `Add ${path}.${missing}, or leave out ${there}.`,
        looksAt: [`${path}.cert`, `${path}.key`],
      },
    ];
  });
}

function timeZone({ report }: Config): Contradiction[] {
  try {
    new Intl.DateTimeFormat('en', { timeZone: report.timeZone });
    return [];
  } catch {
    return [
      {
        path: 'report.timeZone',
        value: JSON.stringify(report.timeZone),
        message: 'This is not an IANA time zone.',
        remedy: 'Use a name such as Europe/Berlin or UTC.',
        looksAt: ['report.timeZone'],
      },
    ];
  }
}

function sameModel({ model }: Config): Contradiction[] {
  if (model.shadow === undefined || model.shadow !== model.path) return [];
  return [
    {
      path: 'model.shadow',
      value: JSON.stringify(model.shadow),
      message: 'The model in force would read along with itself.',
      remedy: 'Name the folder of another model, or leave it out.',
      looksAt: ['model.shadow', 'model.path'],
    },
  ];
}
