/** More of a description than this tells nothing. */
const LONGEST = 1024;

/**
 * Text as words to compare, one blank between them: upper case, without accents, everything that is no letter
 * or digit taken for a blank.
 */
export function wordsOf(text: string): string {
  return text
    .slice(0, LONGEST)
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .normalize('NFC')
    .toUpperCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

/** Patterns as expressions over words; they come from code and config, so they are few. */
const compiled = new Map<string, RegExp>();

/**
 * Whether a pattern occurs in the words: its own words in a row, `*` for any rest of a word (`THORA*`,
 * `*CHEST*`).
 */
export function matches(pattern: string, words: string): boolean {
  let expression = compiled.get(pattern);
  if (expression === undefined) {
    expression = compile(pattern);
    compiled.set(pattern, expression);
  }
  return expression.test(words);
}

function compile(pattern: string): RegExp {
  const wanted = pattern
    .split(/[\s_-]+/)
    .map((word) => {
      const core = wordsOf(word);
      if (core === '') return '';
      return `${word.startsWith('*') ? '[^ ]*' : ''}${core}${word.endsWith('*') ? '[^ ]*' : ''}`;
    })
    .filter((word) => word !== '');
  return wanted.length === 0 ? /(?!)/ : new RegExp(`(?:^| )${wanted.join(' ')}(?: |$)`, 'u');
}
