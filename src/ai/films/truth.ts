import type { Label } from '../reading.ts';

/** What a film is known to show; `pneumonia` where nobody said which. */
export type Truth = Label | 'pneumonia';

export const PARTS = ['train', 'val', 'test'] as const;
/** A part of a data set, as its makers divided it. */
export type Part = (typeof PARTS)[number];

const CLASS_WORDS: Readonly<Record<string, Truth>> = {
  normal: 'normal',
  healthy: 'normal',
  'no-finding': 'normal',
  'bacterial-pneumonia': 'bacterial-pneumonia',
  'pneumonia-bacterial': 'bacterial-pneumonia',
  bacterial: 'bacterial-pneumonia',
  bacteria: 'bacterial-pneumonia',
  'viral-pneumonia': 'viral-pneumonia',
  'pneumonia-viral': 'viral-pneumonia',
  viral: 'viral-pneumonia',
  virus: 'viral-pneumonia',
  pneumonia: 'pneumonia',
};
const PART_WORDS: Readonly<Record<string, Part>> = {
  train: 'train',
  training: 'train',
  val: 'val',
  valid: 'val',
  validation: 'val',
  test: 'test',
  testing: 'test',
};

/** The class that a folder's name or a label in a table stands for. */
export function truthOfWord(word: string): Truth | undefined {
  return CLASS_WORDS[slug(word)];
}

/** The part of a data set that a folder's name or a table's entry stands for. */
export function partOfWord(word: string): Part | undefined {
  return PART_WORDS[slug(word)];
}

function slug(word: string): string {
  return word
    .trim()
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

/** The class that a file name of the public data set tells: `person1_bacteria_2.jpeg`, `IM-0115-0001.jpeg`. */
export function truthOfFileName(name: string): Truth | undefined {
  if (/(^|[_-])bacteria(l)?([_.-]|$)/i.test(name)) return 'bacterial-pneumonia';
  if (/(^|[_-])vir(us|al)([_.-]|$)/i.test(name)) return 'viral-pneumonia';
  if (/^(NORMAL2-)?IM-\d+/.test(name)) return 'normal';
  return undefined;
}

/** The person that a file name of the public data set tells. */
export function patientOfFileName(name: string): string | undefined {
  return /^(?:NORMAL2-)?(IM-\d+|person\d+)/.exec(name)?.[1];
}
