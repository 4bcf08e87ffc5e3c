import { existsSync } from 'node:fs';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drawPhantom } from '../src/dicom/phantom/draw.ts';
import { type PhantomFile, phantomFile } from '../src/dicom/phantom/file.ts';
import { encapsulated } from '../test/fixtures/dicom.ts';
import { mustRun, runChild } from './child.ts';

/** How a film comes out of a PACS. */
export const SYNTAXES = [
  'uncompressed',
  'jpeg-baseline',
  'jpeg-lossless',
  'rle',
  'jpeg-ls',
  'jpeg-2000',
  'htj2k',
] as const;
export type Syntax = (typeof SYNTAXES)[number];

/** Bump it when films are drawn otherwise: the folder of old ones is then left alone. */
const EDITION = 1;

/** Drawn and coded once, kept between runs: it takes a minute. Nothing but phantoms is in it. */
export const FILM_FOLDER = join(tmpdir(), `deep-health-bench-films-${EDITION}`);

export interface FilmSize {
  readonly width: number;
  readonly height: number;
}

/** The size of the targets: a 35 × 43 cm plate, 12 bits. */
export const FULL: FilmSize = { width: 2048, height: 2500 };

/**
 * A chest film of a child in a file, coded as asked for by dcmtk, gdcm, OpenJPEG or OpenJPH; undefined when the
 * tool is not installed.
 */
export async function filmFile(seed: number, syntax: Syntax, size = FULL): Promise<string | undefined> {
  const name = `${size.width}x${size.height}-${seed}-${syntax}.dcm`;
  const path = join(FILM_FOLDER, name);
  if (existsSync(path)) return path;
  await mkdir(FILM_FOLDER, { recursive: true });
  const partial = `${path}.${process.pid}.partial`;
  const made = await code(seed, syntax, size, partial);
  if (!made) return undefined;
  await rename(partial, path);
  return path;
}

async function code(seed: number, syntax: Syntax, size: FilmSize, to: string): Promise<boolean> {
  const options: PhantomFile = {
    ...size,
    seed,
    uids: UIDS,
    // JPEG baseline holds 8 bits.
    bits: syntax === 'jpeg-baseline' ? 8 : 12,
    attributes: { '00080020': { vr: 'DA', Value: ['20260102'] } },
  };
  if (syntax === 'uncompressed') {
    await writeFile(to, phantomFile(options));
    return true;
  }
  if (syntax === 'htj2k') return codeHtj2k(options, size, to);
  const plain = await filmFile(seed, 'uncompressed', size);
  const source = `${to}.plain`;
  if (syntax === 'jpeg-baseline') await writeFile(source, phantomFile(options));
  const from = syntax === 'jpeg-baseline' ? source : (plain ?? '');
  const [tool, ...args] = {
    'jpeg-baseline': ['dcmcjpeg', '+eb', '+q', '90', '+un'],
    'jpeg-lossless': ['dcmcjpeg', '+e1'],
    rle: ['dcmcrle'],
    'jpeg-ls': ['dcmcjpls', '+el'],
    'jpeg-2000': ['gdcmconv', '--j2k', '-i'],
  }[syntax] as [string, ...string[]];
  const named = tool === 'gdcmconv' ? [...args, from, '-o', to] : [...args, from, to];
  const ended = await runChild(tool, named).catch(() => undefined);
  await rm(source, { force: true });
  return ended?.code === 0;
}

/** HTJ2K by OpenJPH: no DICOM tool of Debian writes it. */
async function codeHtj2k(options: PhantomFile, { width, height }: FilmSize, to: string): Promise<boolean> {
  const pixels = drawPhantom(options).pixels;
  const raw = `${to}.yuv`;
  const stream = `${to}.j2c`;
  await writeFile(raw, new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength));
  const args = ['-i', raw, '-o', stream, '-dims', `{${width},${height}}`, '-num_comps', '1'];
  args.push('-signed', 'false', '-bit_depth', '12', '-downsamp', '{1,1}', '-reversible', 'true');
  try {
    await mustRun('ojph_compress', args);
    const codestream = await readFile(stream);
    const padded = codestream.length % 2 === 0 ? codestream : Buffer.concat([codestream, Buffer.alloc(1)]);
    const header = phantomFile({ ...options, without: ['7FE00010'] });
    await writeFile(to, encapsulated(header, '1.2.840.10008.1.2.4.201', padded));
    return true;
  } catch {
    return false;
  } finally {
    await Promise.all([rm(raw, { force: true }), rm(stream, { force: true })]);
  }
}

/** What hospitals send, by and large: half uncompressed and JPEG lossless, the rest mixed. */
const MIX: readonly Syntax[] = [
  'uncompressed',
  'jpeg-lossless',
  'uncompressed',
  'jpeg-2000',
  'jpeg-baseline',
  'uncompressed',
  'rle',
  'jpeg-lossless',
  'jpeg-ls',
  'htj2k',
];
/** From a portable unit's small plate to a full one. */
const SIZES: readonly FilmSize[] = [
  { width: 1024, height: 1250 },
  FULL,
  { width: 1500, height: 1800 },
  { width: 2048, height: 2048 },
];

/**
 * A folder of `count` mixed films (syntaxes and sizes take turns); films are drawn a few times and linked, so
 * that a folder of 500 costs the disk forty films.
 */
export async function mixedFolder(count: number, drawn = 40): Promise<{ folder: string; files: string[] }> {
  const folder = join(FILM_FOLDER, `mixed-${count}-${drawn}`);
  const sources: string[] = [];
  for (let n = 0; n < Math.min(count, drawn); n += 1) {
    const syntax = MIX[n % MIX.length] ?? 'uncompressed';
    const size = SIZES[Math.floor(n / MIX.length) % SIZES.length] ?? FULL;
    const file =
      (await filmFile(1 + (n % 4), syntax, size)) ?? (await filmFile(1 + (n % 4), 'uncompressed', size));
    if (file !== undefined) sources.push(file);
  }
  await mkdir(folder, { recursive: true });
  const files: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const file = join(folder, `film-${String(n).padStart(4, '0')}.dcm`);
    const source = sources[n % sources.length];
    if (source === undefined) throw new Error('no film could be made');
    if (!existsSync(file)) await link(source, file);
    files.push(file);
  }
  return { folder, files };
}

/** Every film here has these UIDs; the last ten digits number the study. */
const FIRST = 1_000_000_000;
const uidOf = (kind: 1 | 2 | 3, number: number) => `2.25.3027811923000000000000000${kind}${FIRST + number}`;
const UIDS = { study: uidOf(1, 0), series: uidOf(2, 0), instance: uidOf(3, 0) };

/** Study Instance UID of the numbered copy of a film. */
export function studyUidOf(number: number): string {
  return uidOf(1, number);
}

/** The film as a study of its own: same pixels, the UIDs of its number. In place; the header is at the front. */
export function renumber(film: Uint8Array, number: number): void {
  const text = Buffer.from(film.buffer, film.byteOffset, Math.min(film.length, 16_384));
  for (let at = text.indexOf('2.25.3027811923'); at >= 0; at = text.indexOf('2.25.3027811923', at + 1)) {
    text.write(String(FIRST + number), at + UIDS.study.length - 10, 'latin1');
  }
}
