import { basename } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { type FilmReading, type Model, openModel } from '../ai/classify.ts';
import { engineFile, rememberedChoice } from '../ai/engine/choice.ts';
import { MOST_LANES } from '../ai/engine/network.ts';
import { type ModelFolder, readModelFolder } from '../ai/folder.ts';
import { requireConfig } from '../config/require.ts';
import type { Config } from '../config/schema.ts';
import { createDecoder, type Decoder } from '../dicom/film/decode/decoder.ts';
import { rulesForFiles } from '../dicom/film/file-rules.ts';
import type { Film, Remark } from '../dicom/film/film.ts';
import { DEFAULT_FILM_LIMITS } from '../dicom/film/limits.ts';
import { openFilm } from '../dicom/film/open.ts';
import type { SelectRules } from '../dicom/film/select-rules.ts';
import { conclusionOf } from '../dicom/report/conclusion.ts';
import { findingsOf } from '../dicom/report/findings.ts';
import { TEXTS } from '../dicom/report/texts.ts';
import { DeepHealthError } from '../errors/error.ts';
import { createFileMemory, type FileMemory } from '../files/file-memory.ts';
import { processors } from '../machine/processors.ts';
import { ahead } from '../reading/ahead.ts';
import { type FilmJson, failedJson, filmJson } from '../reading/film-json.ts';
import { createInference, type Inference } from '../reading/inference.ts';
import { makeMessage } from '../reading/message.ts';
import { pngOf } from '../reading/png.ts';
import { contentDigest, makeResults } from '../reading/results.ts';
import { type ResultSettings, resultSettings } from '../reading/settings.ts';
import type { ClassifyOptions } from './classify.ts';
import { configPath } from './config.ts';
import { findInputs, type Input, inputError } from './inputs.ts';
import { modelFolder } from './model-path.ts';
import { outputNames, writeTogether } from './output.ts';
import { type Progress, progressOf } from './progress.ts';
import { readerLeft } from './readers.ts';
import { failureOf, summaryOf } from './summary.ts';
import { productVersion } from './version.ts';

type Opened =
  | {
      readonly kind: 'film';
      readonly path: string;
      readonly film: Film;
      /** SHA-256 of a picture file, which is all that identifies it; a DICOM film has its UID. */
      readonly digest: string | null;
      readonly read: number;
    }
  | { readonly kind: 'failed'; readonly path: string; readonly error: DeepHealthError };

/** One film after the network. */
type Read = Extract<Opened, { kind: 'film' }> & { readonly outcome: FilmReading };
type Outcome = Read | Extract<Opened, { kind: 'failed' }>;

/**
 * Reads the films at the paths and writes what was asked for. Films are decoded in workers while others are
 * inferred and others reported; so many at once, results in the order of the inputs. One film's error never stops the
 * others.
 *
 * @returns how many were read and how many were not
 * @throws DeepHealthError `config.invalid`, `input.nothing` when the folders hold no file, or `model.*` /
 * `engine.*` when the model cannot be used
 */
export async function classifyFiles(
  paths: readonly string[],
  options: ClassifyOptions,
): Promise<{ readonly read: number; readonly failed: number }> {
  collectSeldom();
  const config = requireConfig(configPath(options.config));
  const folder = await readModelFolder(modelFolder(options.model ?? config.model.path));
  const inputs: Input[] = [];
  for await (const input of findInputs(paths)) inputs.push(input);
  if (inputs.length === 0) throw new DeepHealthError('input.nothing');
  const decoder = createDecoder({ limits: { waiting: atOnce(MOST_LANES) } });
  const opening: Opening = { memory: createFileMemory(), rules: rulesForFiles(config.select), decoder };
  // The network takes as long to open as several films, which are decoded meanwhile.
  const first = new Map(inputs.slice(0, FIRST).map((input) => [input, open(input, opening)]));
  let model: Model | undefined;
  try {
    const loaded = await openForFilms(inputs.length, folder, config, options);
    model = loaded;
    const inference = createInference(() => config.model.batch);
    const reporting: Reporting = {
      settings: resultSettings(config, loaded.manifest, productVersion()),
      receiver: config.ris[0] ?? null,
    };
    const sink = resultSink(options, reporting, inputs.length);
    const read = async (input: Input) => {
      const opened = first.get(input) ?? open(input, opening);
      first.delete(input);
      return infer(await opened, inference, loaded);
    };
    const limit = atOnce(loaded.lanes);
    // What is kept of a film without files of it is a line of text. Files of one film are written while the next is read.
    const reports =
      options.out === undefined
        ? ahead(inputs, { work: async (input) => sink.report(await read(input)), limit, kept: 64 })
        : ahead(ahead(inputs, { work: read, limit, kept: limit + REPORTS }), {
            work: sink.report,
            limit: REPORTS,
          });
    for await (const told of reports) {
      sink.tell(told);
      // Nobody reads the results, and no files of them are wanted.
      if (readerLeft() && options.out === undefined) break;
    }
    return sink.counts;
  } finally {
    await Promise.all(first.values());
    await Promise.all([decoder.close(), model?.close()]);
  }
}

/**
 * Has V8 collect when its heap and the memory outside of it have grown threefold; to be called before any thread begins.
 * Each film's memory outside of the heap would else have all of it marked every few films, in each thread, and V8's own
 * threads take the processor for it (docs/decisions/0137). Where there is one processor memory counts more than that.
 */
function collectSeldom(): void {
  if (processors() === 1) return;
  setFlagsFromString('--external-memory-accounted-in-global-limit');
  setFlagsFromString('--heap-growing-percent=200');
}

/** Films that are in hand at once: each lane has one, one waits for it, and the decoders have the next. Each is up to 15 MB. */
function atOnce(lanes: number): number {
  return lanes + 1 + Math.max(2, processors());
}

/** Films that are decoded while the network is opened. */
const FIRST = 4;
/** From so many on films come one after the other: before the second lane were open, one on all threads has read them. */
const MANY = 16;

/** The network, as is best for so many films. */
async function openForFilms(
  films: number,
  folder: ModelFolder,
  { model, report, storage }: Config,
  options: ClassifyOptions,
): Promise<Model> {
  const digest = folder.manifest.files.backbone.sha256;
  // What a daemon measured on this machine is used; measuring takes longer than a few films.
  const known = await rememberedChoice(engineFile(storage.folder), digest);
  return openModel(folder, {
    engine: options.engine ?? model.engine,
    ...(model.threads === 0 && known !== undefined ? known : { threads: model.threads }),
    many: films >= MANY,
    triage: { enabled: report.triage.enabled, category2From: report.triage.certainty },
  });
}

/** What it takes to open a file. */
interface Opening {
  readonly memory: FileMemory;
  readonly rules: SelectRules;
  readonly decoder: Decoder;
}

/** A file's bytes to a film; failures are values. */
async function open(input: Input, { memory, rules, decoder }: Opening): Promise<Opened> {
  const { path } = input;
  if (input.kind === 'failed') return { kind: 'failed', path, error: input.error };
  try {
    const started = performance.now();
    return await memory.withFile(
      path,
      async (bytes) => {
        const read = performance.now() - started;
        const film = await openFilm(bytes, { decoder, rules });
        const digest = film.kind === 'picture' ? contentDigest(bytes) : null;
        return { kind: 'film', path, film, digest, read };
      },
      refuseLarge,
    );
  } catch (error) {
    const ours = (error as NodeJS.ErrnoException).syscall === undefined ? asOurs(error) : inputError(error);
    return { kind: 'failed', path, error: ours };
  }
}

/** A file that is too large is refused by its size, before it is held in memory. */
function refuseLarge(bytes: number): void {
  if (bytes > DEFAULT_FILM_LIMITS.fileBytes) throw new DeepHealthError('file.too-large');
}

function asOurs(error: unknown): DeepHealthError {
  return error instanceof DeepHealthError
    ? error
    : new DeepHealthError('internal.unexpected', undefined, { cause: error });
}

/** A film through the network; what failed before stays as it is. */
async function infer(opened: Opened, inference: Inference, model: Model): Promise<Outcome> {
  if (opened.kind === 'failed') return opened;
  try {
    return { ...opened, outcome: await inference.read(opened.film, model) };
  } catch (error) {
    return { kind: 'failed', path: opened.path, error: asOurs(error) };
  }
}

/** How results are written. */
interface Reporting {
  readonly settings: ResultSettings;
  /** Whose HL7 profile the message follows; null for the defaults. */
  readonly receiver: Config['ris'][number] | null;
}

/** What is told of a film: its line of JSON, or a sentence. */
interface Told {
  readonly kind: 'read' | 'failed';
  readonly json: unknown;
  readonly sentence: string;
}

/** Films whose files are being written while others are read. */
const REPORTS = 3;

interface ResultSink {
  /** Writes the files that are asked for; names follow the order of the calls. Does not reject. */
  report(outcome: Outcome): Promise<Told>;
  tell(told: Told): void;
  readonly counts: { readonly read: number; readonly failed: number };
}

/** Where results go: files, JSON lines, sentences, counts. */
function resultSink(options: ClassifyOptions, reporting: Reporting, total: number): ResultSink {
  const { language } = reporting.settings.options;
  const counts = { read: 0, failed: 0 };
  const nameOf = outputNames();
  const progress: Progress = progressOf(total, 'films');

  async function report(one: Read): Promise<Told> {
    const started = performance.now();
    const timings = { ...one.film.timings, ...one.outcome.timings, read: one.read + one.film.timings.read };
    let files: string[] = [];
    let remarks: readonly Remark[] = [];
    let json: FilmJson;
    if (options.out === undefined) {
      json = filmJson(one.path, one.film, one.outcome.reading, { ...timings, report: 0 });
    } else {
      const name = nameOf(basename(one.path));
      const made = await makeFiles(name, one, reporting);
      json = filmJson(one.path, one.film, one.outcome.reading, {
        ...timings,
        report: performance.now() - started,
      });
      remarks = made.remarks;
      files = await writeTogether(options.out, [
        ...made.files,
        { name: `${name}.json`, bytes: `${JSON.stringify(json, null, 2)}\n` },
      ]);
    }
    const findings = findingsOf(one.outcome.reading);
    const sentence = summaryOf(json, findings, conclusionOf([findings], TEXTS[language]), remarks, files);
    return { kind: 'read', json, sentence };
  }

  return {
    counts,
    async report(one) {
      try {
        if (one.kind === 'failed') throw one.error;
        return await report(one);
      } catch (error) {
        const failed = failedJson(one.path, asOurs(error));
        return { kind: 'failed', json: failed, sentence: failureOf(failed) };
      }
    },
    tell({ kind, json, sentence }) {
      counts[kind] += 1;
      progress.clear();
      if (options.json === true) process.stdout.write(`${JSON.stringify(json)}\n`);
      else process.stderr.write(sentence);
      progress.step();
    },
  };
}

interface OutputFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Every file of one film but the JSON, and what of its header could not be written as it is. */
async function makeFiles(
  name: string,
  { film, digest, outcome }: Read,
  { settings, receiver }: Reporting,
): Promise<{ files: OutputFile[]; remarks: readonly Remark[] }> {
  const analysedAt = new Date();
  const identified = digest === null ? { film, outcome } : { film, outcome, contentDigest: digest };
  const results = makeResults([identified], settings, { analysedAt });
  const { report, heatmaps } = results;
  const files: OutputFile[] = [];
  if (report.air) files.push({ name: `${name}.sr.dcm`, bytes: report.air.bytes });
  if (report.text) files.push({ name: `${name}.text.sr.dcm`, bytes: report.text.bytes });
  const [picture] = report.pictures;
  if (picture) files.push({ name: `${name}.film.dcm`, bytes: picture.bytes });
  const [heatmapObject] = report.heatmaps;
  const [heatmap] = heatmaps;
  if (heatmapObject && heatmap) {
    files.push({ name: `${name}.heatmap.dcm`, bytes: heatmapObject.bytes });
    files.push({ name: `${name}.heatmap.png`, bytes: await pngOf(heatmap) });
  }
  const message = makeMessage(results, { receiver, corrects: false, createdAt: analysedAt });
  files.push({ name: `${name}.oru.hl7`, bytes: message.bytes });
  return { files, remarks: [...report.remarks, ...message.remarks] };
}
