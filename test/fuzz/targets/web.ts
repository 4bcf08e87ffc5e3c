import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { DicomDataset } from '../../../src/dicom/dataset.ts';
import { phantomFile } from '../../../src/dicom/phantom/file.ts';
import { identityOf } from '../../../src/dicom/web/identity.ts';
import { toDicomJson } from '../../../src/dicom/web/json.ts';
import { createQueries } from '../../../src/dicom/web/query.ts';
import { receiveStow } from '../../../src/dicom/web/receive.ts';
import { createRetrieval } from '../../../src/dicom/web/retrieve.ts';
import { createStore } from '../../../src/dicom/web/store.ts';
import { writeStoreResponse } from '../../../src/dicom/web/store-response.ts';
import type { Transport, WebAnswer } from '../../../src/dicom/web/transport.ts';
import { writeDicomXml } from '../../../src/dicom/web/xml.ts';
import { DeepHealthError } from '../../../src/errors/error.ts';
import { hostileFile } from '../dicom.ts';
import { mutated, mutatedText, NASTY_WORDS } from '../mutate.ts';
import type { FuzzRandom } from '../random.ts';
import { cutUp, type FuzzTarget, outcomeOf } from '../target.ts';

const FILM = phantomFile({ width: 40, height: 33, kind: 'CR', seed: 4 });
const HEAD = FILM.subarray(0, 1400);
const { studyInstanceUid: STUDY, seriesInstanceUid: SERIES, sopInstanceUid: INSTANCE } = identityOf(FILM);
const REFERENCE = { studyInstanceUid: STUDY, seriesInstanceUid: SERIES, sopInstanceUid: INSTANCE };

/** A message as one input: its media type, a line end, its body. */
function message(type: string, body: Uint8Array): Uint8Array {
  return Uint8Array.from(Buffer.concat([Buffer.from(`${type.replace(/[\r\n]/g, ' ')}\n`, 'latin1'), body]));
}

function taken(input: Uint8Array): { type: string; body: Buffer } {
  const bytes = Buffer.from(input);
  const end = bytes.indexOf('\n');
  const type = bytes.subarray(0, end === -1 ? bytes.length : end).toString('latin1');
  return { type, body: end === -1 ? Buffer.alloc(0) : bytes.subarray(end + 1) };
}

const TYPES = [
  'multipart/related; type="application/dicom"; boundary=b',
  'multipart/related; type="application/dicom"; boundary="b"',
  'multipart/related;type=application/dicom;boundary=b;start=x',
  'multipart/related; boundary=""',
  'multipart/related; boundary=b; boundary=c',
  `multipart/related; type="application/dicom"; boundary="${'b'.repeat(70)}"`,
  'multipart/form-data; boundary=b',
  'multipart/mixed; boundary=b',
  'application/dicom',
  'application/dicom+json',
  'text/plain',
  '',
];

const PART_HEADS = [
  'Content-Type: application/dicom\r\n\r\n',
  'Content-Type: application/dicom\r\nContent-Length: 4294967296\r\n\r\n',
  'content-type:application/dicom+json\r\n\r\n',
  'Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\n\r\n',
  '\r\n',
  '\r\n\r\n',
  `X: ${'y'.repeat(17_000)}\r\n\r\n`,
  'Content-Type: application/dicom\n\n',
  ' folded\r\n\tmore\r\n\r\n',
];

const DELIMITERS = [
  '\r\n--b\r\n',
  '--b\r\n',
  '\r\n--b--',
  '\r\n--b--\r\n',
  '\r\n--b \t \r\n',
  '\n--b\n',
  '\r\n--bx\r\n',
  '\r\n--b',
];

/** A multipart body: parts, headers and delimiters as they should be, and as they should not. */
function hostileMultipart(random: FuzzRandom): Uint8Array {
  const pieces: Uint8Array[] = [];
  const text = (value: string) => pieces.push(Buffer.from(value, 'latin1'));
  if (random.maybe(0.2)) text(random.pick(['preamble', '\r\n', 'x'.repeat(70_000)]));
  for (let part = random.below(4); part >= 0; part--) {
    text(random.maybe(0.8) ? '\r\n--b\r\n' : random.pick(DELIMITERS));
    text(random.maybe(0.7) ? 'Content-Type: application/dicom\r\n\r\n' : random.pick(PART_HEADS));
    if (random.maybe(0.5)) pieces.push(random.maybe(0.5) ? FILM : HEAD);
    else pieces.push(random.maybe(0.5) ? hostileFile(random) : random.bytes(random.below(600)));
  }
  text(random.maybe(0.8) ? '\r\n--b--\r\n' : random.pick(DELIMITERS));
  const body = Buffer.concat(pieces);
  return random.maybe(0.4)
    ? mutated(body, random, { pieces: DELIMITERS.map((one) => Buffer.from(one)) })
    : body;
}

/** The STOW-RS receiver, with files on a disk. */
export const stow: FuzzTarget = {
  name: 'stow',
  limitMs: 10_000,
  weight: 6,
  async open() {
    const folder = await mkdtemp(join(tmpdir(), 'fuzz-stow-'));
    return {
      make: (random) =>
        message(
          random.maybe(0.7)
            ? (TYPES[0] ?? '')
            : Buffer.from(mutatedText(random.pick(TYPES), random, ['"', ';', '\\'])).toString('latin1'),
          hostileMultipart(random),
        ),
      async run(input) {
        const { type, body } = taken(input);
        let accepted = 0;
        const failures: unknown[] = [];
        const receipt = await receiveStow(
          { headers: { 'content-type': type }, body: Readable.from(cutUp(body), { objectMode: false }) },
          {
            folder,
            limits: { requestBytes: 200_000, partBytes: 60_000, parts: 4, idleMs: 2_000 },
            sink: {
              admit: () => ({ kind: 'open' }),
              async accept({ path }) {
                accepted += 1;
                await rm(path);
                return { kind: 'stored' };
              },
            },
            onFailure: (error) => failures.push(error),
          },
        );
        if (failures.length > 0) throw failures[0];
        const { status } = receipt.answer;
        if (![200, 202, 400, 406, 408, 409, 413, 415].includes(status)) throw new Error(`answered ${status}`);
        if (receipt.stored !== accepted) throw new Error('said and stored differ');
        const left = await readdir(folder);
        if (left.length > 0) throw new Error(`${left.length} files stay behind`);
        return String(status);
      },
      close: () => rm(folder, { recursive: true }),
    };
  },
};

/** An archive that answers everything with the same bytes. */
function archive(status: number, type: string, body: Buffer): Transport {
  return {
    limits: { document: 2 * 2 ** 20, instance: 2 * 2 ** 20 },
    async send() {
      const answer: WebAnswer = {
        status,
        header: (name) => (name === 'content-type' ? type : undefined),
        headers: (name) => (name === 'content-type' ? [type] : []),
        async document() {
          if (body.length > 2 * 2 ** 20) throw new DeepHealthError('web.answer-too-large');
          return body;
        },
        async *stream() {
          yield* cutUp(body);
        },
        discard: async () => {},
      };
      return answer;
    },
    close: async () => {},
  };
}

const ROW = {
  '00080020': { vr: 'DA', Value: ['20260101'] },
  '00080018': { vr: 'UI', Value: [INSTANCE] },
  '00080061': { vr: 'CS', Value: ['CR', 'DX'] },
  '00081190': { vr: 'UR', Value: ['http://elsewhere.invalid/studies/1'] },
  '00100010': { vr: 'PN', Value: [{ Alphabetic: 'A^B', Ideographic: 'C' }] },
  '0020000D': { vr: 'UI', Value: [STUDY] },
  '0020000E': { vr: 'UI', Value: [SERIES] },
  '00201208': { vr: 'IS', Value: ['3', 4] },
  '00081140': { vr: 'SQ', Value: [{ '00081155': { vr: 'UI', Value: [INSTANCE] } }] },
  '7FE00010': { vr: 'OW', BulkDataURI: 'file:///etc/passwd' },
  '00090010': { vr: 'OB', InlineBinary: 'AAAA' },
};

const JSON_WORDS = [
  ...NASTY_WORDS,
  '[',
  ']',
  '{',
  '}',
  ',',
  ':',
  '"Value"',
  '"vr"',
  '"SQ"',
  '"PN"',
  '"UI"',
  '"DS"',
  'true',
  'null',
  '{}',
  '[]',
  '"BulkDataURI"',
  '"0020000D":',
  '"0020000d":',
  '\\u0000',
  '[['.repeat(200),
  '{"00081140":{"vr":"SQ","Value":['.repeat(40),
];

/** A DICOM JSON value of any type where another belongs. */
function hostileValue(random: FuzzRandom, depth: number): unknown {
  switch (random.below(depth > 6 ? 6 : 9)) {
    case 0:
      return random.pick(NASTY_WORDS);
    case 1:
      return random.pick([0, -1, 1e308, 4294967296, 0.1]);
    case 2:
      return random.pick([null, true, false]);
    case 3:
      return random.pick(['NaN', 'inf', '-Infinity', STUDY, '20260101', 'CR']);
    case 4:
      return [];
    case 5:
      return {};
    case 6:
      return Array.from({ length: random.below(4) }, () => hostileValue(random, depth + 1));
    default:
      return hostileDataset(random, depth + 1);
  }
}

function hostileDataset(random: FuzzRandom, depth: number): Record<string, unknown> {
  const dataset: Record<string, unknown> = {};
  const tags = [
    ...Object.keys(ROW),
    '00080005',
    '0020000d',
    '2000000D',
    '__proto__',
    '00081198',
    '00081199',
    '00081197',
    '00081155',
  ];
  for (let count = random.below(5); count >= 0; count--) {
    const element: Record<string, unknown> = {
      vr: random.pick(['UI', 'SQ', 'PN', 'US', 'DS', 'OB', 'UN', 'xx', '']),
    };
    if (random.maybe(0.8))
      element.Value = random.maybe(0.8) ? [hostileValue(random, depth)] : hostileValue(random, depth);
    if (random.maybe(0.1)) element.InlineBinary = hostileValue(random, depth);
    if (random.maybe(0.1))
      element.BulkDataURI = random.pick(['http://169.254.169.254/', 'file:///etc/passwd']);
    Object.defineProperty(dataset, random.pick(tags), {
      value: random.maybe(0.1) ? hostileValue(random, depth) : element,
      enumerable: true,
      configurable: true,
    });
  }
  return dataset;
}

function hostileRows(random: FuzzRandom): Uint8Array {
  const rows: unknown[] = Array.from({ length: random.below(3) }, () =>
    random.maybe(0.5) ? { ...ROW, ...hostileDataset(random, 0) } : hostileDataset(random, 0),
  );
  if (random.maybe(0.3)) rows.push(ROW);
  const text = JSON.stringify(random.maybe(0.9) ? rows : rows[0]) ?? 'null';
  return random.maybe(0.5) ? mutatedText(text, random, JSON_WORDS) : Buffer.from(text, 'utf8');
}

/** The QIDO-RS client: studies, series, instances, and whether one exists. */
export const qido: FuzzTarget = {
  name: 'qido',
  limitMs: 10_000,
  weight: 14,
  async open() {
    return {
      make: (random) => Uint8Array.from(hostileRows(random)),
      run: (input) =>
        outcomeOf(async () => {
          const queries = createQueries(archive(200, 'application/dicom+json', Buffer.from(input)), {
            name: 'fuzz',
          });
          const studies = await queries.searchStudies({ from: '20251231', to: '20260102' });
          for (const { studyInstanceUid } of studies) assertUid(studyInstanceUid);
          for (const found of await queries.searchInstances(STUDY)) {
            assertUid(found.sopInstanceUid);
            assertUid(found.seriesInstanceUid);
          }
          await queries.instanceExists(STUDY, INSTANCE);
          return studies.length > 0 ? 'found' : 'nothing';
        }),
      close: async () => {},
    };
  },
};

function assertUid(uid: string): void {
  if (!/^[0-9.]{1,64}$/.test(uid)) throw new Error('a UID that is none came through');
}

/** The WADO-RS client: an instance, metadata. */
export const wado: FuzzTarget = {
  name: 'wado',
  limitMs: 10_000,
  weight: 8,
  async open() {
    return {
      make: (random) =>
        random.maybe(0.3)
          ? message('application/dicom+json', hostileRows(random))
          : message(random.maybe(0.7) ? (TYPES[0] ?? '') : random.pick(TYPES), hostileMultipart(random)),
      run: (input) =>
        outcomeOf(async () => {
          const { type, body } = taken(input);
          const { retrieveInstance, retrieveMetadata } = createRetrieval(archive(200, type, body));
          if (type.includes('json')) return `metadata ${(await retrieveMetadata(STUDY)).length > 0}`;
          const { identity: found } = await retrieveInstance(REFERENCE);
          if (found.sopInstanceUid !== INSTANCE) throw new Error('another instance came through');
          return 'retrieved';
        }),
      close: async () => {},
    };
  },
};

const STORED: DicomDataset = writeStoreResponse({
  stored: [{ sopClassUid: '1.2.840.10008.5.1.4.1.1.1', sopInstanceUid: INSTANCE }],
  failed: [],
  otherFailures: [],
});
const REFUSED: DicomDataset = writeStoreResponse({
  stored: [],
  failed: [{ sopInstanceUid: INSTANCE, reason: 0xc000 }],
  otherFailures: [{ reason: 0x0110 }],
});

const XML_WORDS = [
  ...NASTY_WORDS,
  '<Item number="1">',
  '</Item>',
  '<Value number="1">',
  '</Value>',
  '<DicomAttribute tag="00081199" vr="SQ">',
  '</DicomAttribute>',
  '<!DOCTYPE x [<!ENTITY a "b">]>',
  '&a;',
  '&#0;',
  '<![CDATA[',
  ']]>',
  '<?x?>',
  '<!--',
  '<Item>'.repeat(60),
];

/** The STOW-RS client: what the archive's answer in JSON or XML makes of an instance. */
export const store: FuzzTarget = {
  name: 'store',
  limitMs: 10_000,
  weight: 10,
  async open() {
    return {
      make(random) {
        const status = random.pick([200, 202, 204, 400, 409, 413, 500]);
        const dataset = random.pick([STORED, REFUSED]);
        const body = random.maybe(0.5)
          ? mutatedText(writeDicomXml(dataset), random, XML_WORDS)
          : random.maybe(0.5)
            ? mutatedText(JSON.stringify(toDicomJson(dataset)), random, JSON_WORDS)
            : hostileRows(random);
        return message(String(status), body);
      },
      run: (input) =>
        outcomeOf(async () => {
          const { type, body } = taken(input);
          const answered = archive(Number.parseInt(type, 10) || 200, 'application/dicom+json', body);
          const { storeInstances } = createStore(answered, async () => false);
          const [outcome, ...others] = await storeInstances(STUDY, [
            { sopInstanceUid: INSTANCE, bytes: FILM },
          ]);
          if (outcome === undefined || others.length > 0) throw new Error('not one outcome for one instance');
          return outcome.kind;
        }),
      close: async () => {},
    };
  },
};
