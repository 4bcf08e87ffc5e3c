import { createRequire } from 'node:module';
import * as z from 'zod';
import { DEFAULT_RULES, type Evidence } from '../dicom/film/select-rules.ts';
import { parseDuration, parseSize } from './units.ts';

/**
 * The configuration's one definition: keys, types, defaults and sentences. The commented example file, the
 * JSON Schema for editors and the loader's problems all come from here. Keys are strict: an unknown one is
 * an error, since a mistyped key that is silently ignored is worse.
 */

const size = (fallback: string, sentence: string) =>
  z
    .string()
    .refine((text) => parseSize(text) !== undefined, 'is not a size such as 200 MiB')
    .default(fallback)
    .describe(sentence);
const duration = (fallback: string, sentence: string) =>
  z
    .string()
    .refine((text) => parseDuration(text) !== undefined, 'is not a duration such as 30 s, 5 m, 2 h or 30 d')
    .default(fallback)
    .describe(sentence);
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/, 'is not 1 to 32 letters, digits, - or _');
const port = z.int().min(1).max(65535);
const httpUrl = z.url({ protocol: /^https?$/, error: 'is not an http or https URL' }).refine((text) => {
  // What is no URL at all is told above; this runs all the same.
  if (!URL.canParse(text)) return true;
  const { username, password, search, hash } = new URL(text);
  return username === '' && password === '' && search === '' && hash === '';
}, 'is a URL with a user, password, query or fragment');
const path = z.string().min(1);

const words = (fallback: readonly string[], sentence: string) =>
  z
    .array(z.string().min(1))
    .default([...fallback])
    .describe(sentence);
const evidence = (fallback: Evidence, sentence: string) =>
  z
    .strictObject({
      accept: words(fallback.accept, 'Speaks for a frontal chest film.'),
      refuse: words(fallback.refuse, 'Speaks against it; looked at first.'),
    })
    .prefault({})
    .describe(sentence);

const clientTls = z
  .strictObject({
    ca: path.optional().describe('PEM file with the certificates that are trusted instead of the system’s.'),
    cert: path.optional().describe('PEM file of our client certificate (mutual TLS).'),
    key: path.optional().describe('PEM file of its key.'),
    passphrase: z.string().optional().describe('Opens that key, when it is encrypted.'),
    serverName: z
      .string()
      .min(1)
      .optional()
      .describe('Name to expect in the certificate of the peer, where it is not the host of its address.'),
    dangerouslyAcceptAnyCertificate: z
      .boolean()
      .default(false)
      .describe('Turns certificate checks off. For a test bench only; a warning is logged at every start.'),
  })
  .prefault({})
  .describe('How the certificate of the peer is checked, and our own one.');

const pacsAuth = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('none') }),
    z.strictObject({
      type: z.literal('basic'),
      user: z.string().min(1).describe('User name (HTTP Basic).'),
      password: z.string().describe('Password (HTTP Basic).'),
    }),
    z.strictObject({
      type: z.literal('bearer'),
      tokenFile: path.describe('File that holds the token; read again when the PACS answers 401.'),
    }),
    z.strictObject({
      type: z.literal('oauth2'),
      tokenUrl: httpUrl.describe('Token endpoint of the authorization server (client credentials).'),
      clientId: z.string().min(1).describe('Our id at the authorization server.'),
      clientSecret: z.string().describe('Our secret there.'),
      scope: z.string().optional().describe('Scope that is asked for.'),
      audience: z
        .string()
        .optional()
        .describe('Resource that the token is for, where the server asks for it.'),
      credentials: z
        .enum(['header', 'body'])
        .default('header')
        .describe('Where id and secret stand in the request for a token (RFC 6749 2.3.1).'),
    }),
  ])
  .prefault({ type: 'none' })
  .describe('How we sign in at this PACS: none, basic, bearer or oauth2 (client credentials).');

/** The scheduler is loaded when a poll is configured: most commands do without. */
function isCron(text: string): boolean {
  const { validate } = createRequire(import.meta.url)('node-cron') as typeof import('node-cron');
  return validate(text);
}

const poll = z.strictObject({
  schedule: z
    .string()
    .refine((text) => isCron(text), 'is not a cron expression')
    .default('*/15 * * * * *')
    .describe('When to ask, as a cron expression (with seconds). A poll never overlaps the one before.'),
  days: z
    .int()
    .min(1)
    .max(60)
    .default(2)
    .describe('How many days back from today study dates are asked for; tomorrow is always included.'),
  settlePolls: z
    .int()
    .min(1)
    .max(100)
    .default(2)
    .describe('A study is complete when its number of instances was the same in this many polls.'),
});

const pacs = z.strictObject({
  name: name.describe('Short name, used in the ledger, logs and metrics.'),
  url: httpUrl.describe('Base URL of its DICOMweb services, without /studies.'),
  auth: pacsAuth,
  tls: clientTls,
  poll: poll
    .optional()
    .describe('Ask this PACS for new studies. Leave it out when the PACS pushes or notifies.'),
  store: z
    .boolean()
    .default(true)
    .describe('Results of studies that came from this PACS (or were pushed to us) are stored here.'),
  timeout: duration('60 s', 'The longest silence of this PACS within one request.'),
  connections: z.int().min(1).max(64).default(4).describe('The most connections open to it at once.'),
});

const ris = z.strictObject({
  name: name.describe('Short name, used in the ledger, logs and metrics.'),
  host: z.string().min(1).describe('Host of the receiver.'),
  port: port.describe('Port of the receiver.'),
  tls: clientTls.unwrap().optional().describe('Use TLS (MLLP over TLS, ITI-19); an empty object is enough.'),
  version: z.enum(['2.5.1', '2.4', '2.3.1']).default('2.5.1').describe('HL7 version of the ORU^R01.'),
  charset: z
    .enum(['UTF-8', 'ISO-8859-1', 'ISO-8859-2', 'ISO-8859-5', 'ISO-8859-15', 'US-ASCII'])
    .default('UTF-8')
    .describe('Character set of the message (MSH-18 and bytes).'),
  mode: z
    .enum(['original', 'enhanced'])
    .default('original')
    .describe('Acknowledgement mode. enhanced asks for a commit acknowledgement first (MSH-15/16 AL).'),
  sendingApplication: z.string().default('DEEPHEALTH').describe('MSH-3.'),
  sendingFacility: z.string().default('RADAI').describe('MSH-4.'),
  receivingApplication: z.string().default('RIS').describe('MSH-5.'),
  receivingFacility: z.string().default('HOSPITAL').describe('MSH-6.'),
  processing: z.enum(['P', 'T', 'D']).default('P').describe('MSH-11: production, training or debugging.'),
  lineBreak: z
    .enum(['.br', 'X0A', 'repetition'])
    .default('.br')
    .describe('How line breaks inside text observations are written.'),
  impression: z.boolean().default(true).describe('Send the conclusion as an Impression OBX (19005-8) too.'),
  srReference: z.boolean().default(false).describe('Send the SR’s instance UID as an OBX of type HD.'),
  quantityTiming: z
    .boolean()
    .default(false)
    .describe('Send the priority in the deprecated OBR-27 as well (dcm4chee’s RAD-128 wants it).'),
  accessionAsFiller: z
    .boolean()
    .default(false)
    .describe('Use the accession number as filler order number when the film carries no order numbers.'),
  acknowledgeTimeout: duration('30 s', 'How long we wait for the acknowledgement.'),
});

const auditCommon = {
  site: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('Audit Enterprise Site ID: names this hospital in a collector of several.'),
};
const audit = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('none') }),
    z.strictObject({
      type: z.literal('file'),
      path: path
        .default('data/audit/audit.log')
        .describe('File that messages are appended to, one a line; whoever rotates it may rename it.'),
      ...auditCommon,
    }),
    z.strictObject({
      type: z.literal('syslog'),
      host: z.string().min(1).describe('Host of the audit record repository.'),
      port: port.default(6514).describe('Its port for syslog over TLS.'),
      tls: clientTls,
      spool: size('256 MiB', 'The most that waits on disk while the collector is away.'),
      ...auditCommon,
    }),
  ])
  .prefault({ type: 'none' })
  .describe('DICOM audit messages (PS3.15 A.5): none, to a file, or by syslog over TLS (RFC 5425).');

/** The whole configuration. */
export const configSchema = z.strictObject({
  server: z
    .strictObject({
      host: z
        .string()
        .default('127.0.0.1')
        .describe('Address to listen on. Without users or tokens only a loopback address is accepted.'),
      port: z.int().min(0).max(65535).default(8104).describe('Port; 0 takes a free one.'),
      tls: z
        .strictObject({
          cert: path.describe('PEM file of the server’s certificate, with those between it and the root.'),
          key: path.describe('PEM file of its key.'),
          clientCa: path.optional().describe('Ask clients for a certificate that this file signed.'),
        })
        .optional()
        .describe('PEM files of the server’s certificate and key.'),
      users: z
        .array(
          z.strictObject({
            name: name.describe('Name to sign in with.'),
            password: z.string().min(8, 'is shorter than 8 characters').describe('8 characters or more.'),
          }),
        )
        .default([])
        .describe('People and systems that sign in with name and password (HTTP Basic).'),
      tokens: z
        .array(
          z.strictObject({
            name: name.describe('Short name of whoever uses it, for ledger and audit.'),
            token: z.string().min(16, 'is shorter than 16 characters').describe('16 characters or more.'),
          }),
        )
        .default([])
        .describe('Systems that sign in with a bearer token.'),
      maxRequest: size('512 MiB', 'The largest request that is accepted.'),
      maxFilm: size('200 MiB', 'The largest single film that is accepted.'),
      settle: duration(
        '100 ms',
        'A pushed study is complete when its sender was quiet for so long (a busy one: 1 s after its last request).',
      ),
      connections: z.int().min(1).max(10_000).default(256).describe('The most connections at once.'),
      console: z
        .strictObject({
          showPatient: z
            .boolean()
            .default(false)
            .describe('Show patient and order of a film in the console; they are kept in the ledger then.'),
        })
        .prefault({})
        .describe('The pages for people.'),
    })
    .prefault({})
    .describe('Our own HTTP server: STOW-RS receiver, API and console.'),
  pacs: z.array(pacs).default([]).describe('The archives we work beside.'),
  select: z
    .strictObject({
      secondaryCapture: z
        .boolean()
        .default(DEFAULT_RULES.secondaryCapture)
        .describe('Read Secondary Capture films that say Modality CR or DX (film digitisers).'),
      unknownView: z
        .enum(['refuse', 'flag'])
        .default(DEFAULT_RULES.unknownView)
        .describe('What to do with a film whose projection or body part cannot be told.'),
      minSide: z
        .int()
        .min(64)
        .max(4096)
        .default(DEFAULT_RULES.minSide)
        .describe('Smallest rows and columns, in pixels.'),
      minAspect: z.number().positive().default(DEFAULT_RULES.minAspect).describe('Least rows / columns.'),
      maxAspect: z.number().positive().default(DEFAULT_RULES.maxAspect).describe('Largest rows / columns.'),
      sopClasses: words(DEFAULT_RULES.sopClasses, 'SOP Class UIDs of films.'),
      modalities: words(DEFAULT_RULES.modalities, 'Modalities of films.'),
      derivedTypes: words(DEFAULT_RULES.derivedTypes, 'Image Type values of pictures computed from a film.'),
      derivedWords: words(DEFAULT_RULES.derivedWords, 'Words of their descriptions.'),
      ownManufacturers: words(DEFAULT_RULES.ownManufacturers, 'Manufacturers of our own results.'),
      bodyParts: evidence(DEFAULT_RULES.bodyParts, 'Body Part Examined.'),
      regionCodes: evidence(DEFAULT_RULES.regionCodes, 'Codes of Anatomic Region Sequence.'),
      bodyWords: evidence(DEFAULT_RULES.bodyWords, 'Words of descriptions that tell the body part.'),
      viewPositions: evidence(DEFAULT_RULES.viewPositions, 'View Position.'),
      viewCodes: evidence(DEFAULT_RULES.viewCodes, 'Codes of View Code Sequence.'),
      viewWords: evidence(DEFAULT_RULES.viewWords, 'Words of descriptions that tell the projection.'),
    })
    .prefault({})
    .describe('Which films are read.'),
  model: z
    .strictObject({
      path: path
        .default('models/pneumonia-inception-v3')
        .describe('Folder of the model; a relative one is looked for in the product’s own folder too.'),
      shadow: path
        .optional()
        .describe('Folder of a second model that reads along; only ledger and metrics see its readings.'),
      engine: z.enum(['onnx', 'tfjs']).default('onnx').describe('What runs the network.'),
      threads: z
        .int()
        .min(0)
        .max(64)
        .default(0)
        .describe('Threads of the engine; 0: what is quickest here, measured once.'),
      batch: z.int().min(1).max(64).default(4).describe('The most films inferred at once.'),
    })
    .prefault({})
    .describe('The network.'),
  report: z
    .strictObject({
      to: z
        .array(name)
        .optional()
        .describe(
          'Names of the PACS that results go to. Default: each study’s own; a folder without a PACS.',
        ),
      sr: z
        .strictObject({
          profiles: z
            .array(z.enum(['text', 'air']))
            .min(1)
            .default(['text', 'air'])
            .describe('text: for people and viewers. air: TID 1500 for machines (IHE AI Results).'),
          airSopClass: z
            .enum(['comprehensive-3d', 'comprehensive'])
            .default('comprehensive-3d')
            .describe('comprehensive for an old PACS that refuses Comprehensive 3D SR.'),
          textSopClass: z
            .enum(['comprehensive', 'basic-text'])
            .default('comprehensive')
            .describe('basic-text for an old PACS that refuses Comprehensive SR.'),
          seriesNumber: z.int().min(1).max(999_999).default(9900).describe('First series number of results.'),
          final: z.boolean().default(false).describe('Preliminary Flag FINAL instead of PRELIMINARY.'),
        })
        .prefault({})
        .describe('The Structured Reports.'),
      heatmap: z
        .strictObject({
          enabled: z.boolean().default(true).describe('Make a heat map of every film that is read.'),
          longSide: z
            .int()
            .min(256)
            .max(2048)
            .default(1024)
            .describe('Longer side of the picture in pixels.'),
        })
        .prefault({})
        .describe('The heat map.'),
      language: z.enum(['en', 'de']).default('en').describe('Language of sentences in SR, heat map and ORU.'),
      triage: z
        .strictObject({
          enabled: z
            .boolean()
            .default(false)
            .describe('A regulated function in many places: off by default.'),
          certainty: z.number().min(0).max(1).default(0.9).describe('Category 2 from this probability on.'),
        })
        .prefault({})
        .describe('Triage categories in the results.'),
      station: z.string().max(16).default('DEEPHEALTH1').describe('Station Name in results.'),
      institution: z.string().max(64).optional().describe('Institution Name in results.'),
      location: z.string().max(64).optional().describe('Where the device stands (SR observer context).'),
      serialNumber: z.string().max(64).default('1').describe('Installation id (Device Serial Number).'),
      timeZone: z
        .string()
        .default('UTC')
        .describe('IANA zone in which times of results are written, such as Europe/Berlin.'),
      modalityClocksInZone: z
        .boolean()
        .default(false)
        .describe('The modalities’ clocks run in that zone, so Timezone Offset From UTC may be written.'),
    })
    .prefault({})
    .describe('What is written about a film, and where to.'),
  ris: z.array(ris).default([]).describe('HL7 receivers of results.'),
  queue: z
    .union([z.literal('embedded'), z.url({ protocol: /^amqps?$/ })], 'is neither embedded nor an amqp(s) URL')
    .default('embedded')
    .describe('embedded, or the URL of a RabbitMQ (amqp:// or amqps://).'),
  ledger: z
    .string()
    .min(1)
    .default('data/ledger.sqlite')
    .describe('Path of a SQLite file, or a postgres:// URL.'),
  storage: z
    .strictObject({
      folder: path.default('data').describe('Films, made reports and the outbox are kept here.'),
      reserve: size('1 GiB', 'Intake stops when less than this is free on the disk.'),
      retention: duration('30 d', 'Films and reports of finished studies are deleted after this time.'),
    })
    .prefault({})
    .describe('Where films and results are kept, and for how long.'),
  observe: z
    .strictObject({
      log: z
        .strictObject({
          level: z
            .enum(['trace', 'debug', 'info', 'warn', 'error'])
            .default('info')
            .describe('The least serious lines that are written.'),
          pretty: z.enum(['auto', 'always', 'never']).default('auto').describe('auto: on a terminal.'),
        })
        .prefault({})
        .describe('The operational log: JSON lines on stderr.'),
      metrics: z.boolean().default(true).describe('Serve /metrics for Prometheus.'),
      audit,
    })
    .prefault({})
    .describe('Log, metrics and audit trail.'),
});

/** The configuration with every default filled in. */
export type Config = z.output<typeof configSchema>;
