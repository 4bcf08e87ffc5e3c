import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseManifest } from '../../../src/ai/manifest.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { readAck } from '../../../src/hl7/mllp/ack.ts';
import { createFrameReader } from '../../../src/hl7/mllp/frame.ts';
import { mutated, mutatedText, NASTY_WORDS } from '../mutate.ts';
import { cutUp, type FuzzTarget, outcomeOf } from '../target.ts';

const ACKS = [
  'MSH|^~\\&|RIS|HOSP|DEEPHEALTH|RADAI|20260101120000||ACK^R01|77|P|2.5.1\rMSA|AA|DH123\r',
  'MSH|^~\\&|RIS|HOSP|DEEPHEALTH|RADAI|20260101120000||ACK|78|P|2.4|||AL|NE\rMSA|CA|DH123|text\rERR||PID^1|101^x|E\r',
  'MSH#*!?@#RIS##A#B#2026##ACK#1#P#2.3.1\nMSA#AE#DH123\n',
];

const HL7_PIECES = [
  '\x0b',
  '\x1c\r',
  '\x1c',
  '\r',
  '\n',
  'MSA|',
  'MSH|',
  'ERR|||',
  '|',
  '^',
  '~',
  '\\',
  '&',
  'AA',
  'CR',
  ...NASTY_WORDS,
];
const MAX_FRAME = 4_096;

/** The reader of MLLP frames and of the acknowledgements in them. */
export const mllp: FuzzTarget = {
  name: 'mllp',
  limitMs: 5_000,
  weight: 16,
  async open() {
    return {
      make(random) {
        const frames = Array.from({ length: 1 + random.below(3) }, () => `\x0b${random.pick(ACKS)}\x1c\r`);
        const stream = Buffer.from(frames.join(random.pick(['', '\r\n', 'noise'])), 'latin1');
        if (random.maybe(0.1))
          return Uint8Array.from(Buffer.concat([stream, Buffer.alloc(random.below(9_000), 0x41)]));
        return mutated(stream, random, { pieces: HL7_PIECES.map((piece) => Buffer.from(piece, 'utf8')) });
      },
      run: (input) =>
        outcomeOf(() => {
          const read = createFrameReader(MAX_FRAME);
          const kinds = new Set<string>();
          for (const chunk of cutUp(input)) {
            for (const event of read(chunk)) {
              if (event.kind === 'oversize') {
                kinds.add('oversize');
                continue;
              }
              if (event.payload.length > MAX_FRAME) throw new Error('a frame over the limit came through');
              const ack = readAck(event.payload);
              if (ack?.errorCode !== undefined && !/^[A-Za-z0-9]{1,8}$/.test(ack.errorCode))
                throw new Error('free text came through');
              kinds.add(ack?.code ?? 'no ack');
            }
          }
          return [...kinds].sort()[0] ?? 'nothing';
        }),
      close: async () => {},
    };
  },
};

const CONFIG = readFileSync(new URL('../../../config/deep-health.yaml', import.meta.url), 'utf8');
const CONFIG_SHORT = `server: { port: 1, users: [{ name: a, password: "\${env:SECRET}" }] }
pacs:
  - { name: p, url: http://127.0.0.1/x, auth: { type: basic, user: a, password: hidden-hidden }, poll: { days: 3 } }
ris: [{ name: r, host: h, port: 2575 }]
report: { to: [p], timeZone: Europe/Berlin }
storage: { folder: data, reserve: 1 MiB }
`;
/** What the config file takes from elsewhere. */
const reference = (what: string) => `$\u007b${what}`;

const YAML_WORDS = [
  ...NASTY_WORDS,
  ': ',
  '- ',
  '  ',
  '\t',
  '&a ',
  '*a',
  '<<: *a',
  '!!js/function x',
  '!!binary x',
  '? ',
  '|',
  '>',
  '{',
  '}',
  '[',
  ']',
  '#',
  '"',
  "'",
  '---',
  '...',
  '%YAML 1.1',
  reference('env:SECRET}'),
  reference('env:'),
  reference('file:/etc/hostname}'),
  reference('file:}'),
  '0x10',
  '1e9',
  '~',
  'null',
  'true',
  '[['.repeat(300),
  '&x [*x,*x,*x,*x]',
  '__proto__: {a: 1}',
  'constructor: {prototype: 1}',
  'pacs:',
  'ris:',
  'server:',
];
const SECRET = 'S3CRET-of-the-environment';

/** The config file: every problem is told, none of them tells a secret. */
export const config: FuzzTarget = {
  name: 'config',
  limitMs: 5_000,
  weight: 3,
  async open() {
    const folder = mkdtempSync(join(tmpdir(), 'fuzz-config-'));
    const file = join(folder, 'deep-health.yaml');
    return {
      make: (random) => mutatedText(random.maybe(0.1) ? CONFIG : CONFIG_SHORT, random, YAML_WORDS),
      run: (input) =>
        outcomeOf(() => {
          writeFileSync(file, input);
          const loaded = loadConfig(file, { SECRET });
          if (({} as Record<string, unknown>).a !== undefined) throw new Error('the prototype was changed');
          if (loaded.kind === 'valid') return 'valid';
          const told = JSON.stringify(loaded.problems);
          if (loaded.problems.length === 0) throw new Error('refused without a problem');
          if (told.includes(SECRET)) throw new Error('a problem tells a secret');
          return 'refused';
        }),
      close: async () => rmSync(folder, { recursive: true }),
    };
  },
};

const MANIFEST = readFileSync(
  new URL('../../../models/pneumonia-inception-v3/manifest.json', import.meta.url),
  'utf8',
);

/** The manifest of a model: no file outside of its folder, numbers in range. */
export const manifest: FuzzTarget = {
  name: 'manifest',
  limitMs: 5_000,
  weight: 4,
  async open() {
    return {
      make: (random) =>
        mutatedText(MANIFEST, random, [
          ...NASTY_WORDS,
          '"path": "../x"',
          '"path": "/etc/passwd"',
          '1e999',
          '-1',
          '{}',
          '[]',
          ',',
          '"',
        ]),
      run: (input) =>
        outcomeOf(() => {
          const { manifest: read } = parseManifest(Buffer.from(input).toString('utf8'));
          for (const named of Object.values(read.files)) {
            const path = (named as { path?: unknown } | undefined)?.path;
            if (typeof path === 'string' && /[\\/\0]|^\./.test(path))
              throw new Error('a path out of the folder came through');
          }
          return 'read';
        }),
      close: async () => {},
    };
  },
};
