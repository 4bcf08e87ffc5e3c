/** Text as words to compare: upper case, without accents, split at everything that is no letter or digit. */
export function wordsOf(text: string): string[] {
  return text
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .normalize('NFC')
    .toUpperCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
}

/** Patterns as expressions over words joined by single blanks; they come from code and config, so they are few. */
const compiled = new Map<string, RegExp>();

/**
 * Whether a pattern occurs in the words: its own words in a row, `*` for any rest of a word (`THORA*`,
 * `*CHEST*`).
 */
export function matches(pattern: string, words: readonly string[]): boolean {
  let expression = compiled.get(pattern);
  if (expression === undefined) {
    expression = compile(pattern);
    compiled.set(pattern, expression);
  }
  return expression.test(words.join(' '));
}

function compile(pattern: string): RegExp {
  const wanted = pattern
    .split(/[\s_-]+/)
    .map((word) => {
      const [core] = wordsOf(word);
      if (core === undefined) return '';
      return `${word.startsWith('*') ? '[^ ]*' : ''}${core}${word.endsWith('*') ? '[^ ]*' : ''}`;
    })
    .filter((word) => word !== '');
  return wanted.length === 0 ? /(?!)/ : new RegExp(`(?:^| )${wanted.join(' ')}(?: |$)`, 'u');
}
