import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PhantomFile, phantomFile } from '../../src/dicom/phantom/file.ts';
import { element } from '../../src/dicom/phantom/header.ts';
import { run } from '../../test/peers/process.ts';

/** How a study of this film has to end. */
export type Ending = 'delivered' | 'skipped' | 'failed';

/** A film whose UIDs, patient and date are overwritten for every study that is made of it. */
export interface Template {
  readonly name: string;
  readonly ending: Ending;
  readonly bytes: Buffer;
  readonly places: Readonly<Record<Field, readonly number[]>>;
}

/** What is written into a template. */
export interface Stamp {
  readonly study: string;
  readonly series: string;
  readonly instance: string;
  /** 12 characters. */
  readonly patient: string;
  /** YYYYMMDD. */
  readonly date: string;
}

type Field = keyof Stamp;

/** As long as what replaces it, and nowhere else in a file. */
const PLACEHOLDERS: Stamp = {
  study: `2.25.${'11'.padEnd(38, '7')}`,
  series: `2.25.${'12'.padEnd(38, '7')}`,
  instance: `2.25.${'13'.padEnd(38, '7')}`,
  patient: 'STAMP-000000',
  date: '19010203',
};

/** A UID of the placeholders' length. `kind`: 1 study, 2 series, 3 instance; `batch` tells runs apart. */
export function stampedUid(kind: 1 | 2 | 3, batch: number, number: number): string {
  return `2.25.1${kind}${String(batch % 1e10).padStart(10, '0')}${String(number).padStart(26, '0')}`;
}

/** The template as the film of one study. */
export function stamped({ bytes, places }: Template, stamp: Stamp): Buffer<ArrayBuffer> {
  const film = Buffer.from(bytes);
  for (const field of Object.keys(places) as Field[]) {
    for (const place of places[field]) film.write(stamp[field], place, 'latin1');
  }
  return film;
}

const SMALL = { width: 640, height: 544 };
const PLAIN = { ...SMALL, bits: 8 } satisfies PhantomFile;

/** Drawn or coded, and how it has to end. */
interface Recipe {
  readonly name: string;
  readonly ending: Ending;
  readonly film: PhantomFile;
  /** Codes the file anew; or damages its bytes. */
  readonly tool?: readonly [string, ...string[]];
  readonly damage?: (file: Buffer) => Buffer;
}

const READABLE: readonly Recipe[] = [
  { name: 'CR 8 bit explicit', film: { ...PLAIN, kind: 'CR' } },
  { name: 'DX 12 bit explicit', film: SMALL },
  { name: 'DX 12 bit implicit', film: { ...SMALL, syntax: 'implicit' } },
  { name: 'DX 14 bit MONOCHROME1', film: { ...SMALL, bits: 14, photometric: 'MONOCHROME1' } },
  { name: 'CR 10 bit 1024', film: { kind: 'CR', bits: 10, width: 1024, height: 1024 } },
  { name: 'DX RLE', film: SMALL, tool: ['gdcmconv', '--rle'] },
  { name: 'DX JPEG lossless', film: SMALL, tool: ['gdcmconv', '--jpeg'] },
  { name: 'DX JPEG-LS', film: SMALL, tool: ['gdcmconv', '--jpegls'] },
  { name: 'DX JPEG 2000', film: SMALL, tool: ['gdcmconv', '--j2k'] },
  { name: 'CR JPEG baseline', film: { ...PLAIN, kind: 'CR' }, tool: ['dcmcjpeg', '+eb', '+q', '90', '+un'] },
  { name: 'DX adult PA', film: { ...SMALL, subject: 'adult' } },
  { name: 'DX 12 bit full size', film: { width: 2048, height: 2500 } },
].map((recipe) => ({ ...recipe, ending: 'delivered' }) as Recipe);

const UNREADABLE: readonly Recipe[] = [
  { name: 'a lateral view', ending: 'skipped', film: { ...PLAIN, view: 'LL' } },
  { name: 'a hand', ending: 'skipped', film: { ...PLAIN, anatomy: 'hand' } },
  { name: 'too small', ending: 'skipped', film: { width: 300, height: 300, bits: 8 } },
  {
    name: 'pixels cut off',
    ending: 'failed',
    film: PLAIN,
    damage: (file) => file.subarray(0, file.length - 60_000),
  },
  {
    name: 'a damaged JPEG 2000 codestream',
    ending: 'failed',
    film: SMALL,
    tool: ['gdcmconv', '--j2k'],
    damage: (file) => Buffer.from(file).fill(0, file.length - Math.round(file.length / 2)),
  },
];

export interface Templates {
  readonly readable: readonly Template[];
  readonly unreadable: readonly Template[];
}

/**
 * Draws and codes the films that studies are made of, with dcmtk and gdcm.
 *
 * @param seeds drawings of each kind; full-size ones are drawn once
 * @param large whether full-size films are among them
 * @param only the name of the one kind to make
 */
export async function makeTemplates({
  seeds,
  large,
  only,
}: {
  seeds: number;
  large: boolean;
  only?: string;
}): Promise<Templates> {
  const folder = await mkdtemp(join(tmpdir(), 'dh-films-'));
  try {
    const make = async (recipes: readonly Recipe[]) => {
      const made: Template[] = [];
      for (const recipe of recipes) {
        const full = (recipe.film.width ?? 0) > 2000;
        if ((full && !large) || (only !== undefined && recipe.name !== only)) continue;
        for (let seed = 1; seed <= (full ? 1 : seeds); seed += 1) made.push(await draw(recipe, seed, folder));
      }
      return made;
    };
    return { readable: await make(READABLE), unreadable: await make(UNREADABLE) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function draw({ name, ending, film, tool, damage }: Recipe, seed: number, folder: string) {
  const drawn = phantomFile({
    seed,
    ...film,
    uids: PLACEHOLDERS,
    patient: { id: PLACEHOLDERS.patient },
    attributes: { '00080020': element('DA', PLACEHOLDERS.date) },
  });
  let bytes = Buffer.from(drawn);
  if (tool !== undefined) {
    const [from, to] = [join(folder, 'drawn.dcm'), join(folder, 'coded.dcm')];
    await writeFile(from, drawn);
    await run(tool[0], [...tool.slice(1), from, to]);
    bytes = await readFile(to);
  }
  if (damage !== undefined) bytes = Buffer.from(damage(bytes));
  const placesOfField = (field: Field) => placesOf(bytes, PLACEHOLDERS[field]);
  const places = {
    study: placesOfField('study'),
    series: placesOfField('series'),
    instance: placesOfField('instance'),
    patient: placesOfField('patient'),
    date: placesOfField('date'),
  };
  for (const [field, found] of Object.entries(places)) {
    if (found.length === 0) throw new Error(`${name} has no ${field}`);
  }
  return { name, ending, bytes, places };
}

function placesOf(bytes: Buffer, text: string): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) places.push(at);
  return places;
}
