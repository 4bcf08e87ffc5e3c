/** Control characters, and marks that turn round what follows (Unicode's Bidi_Control) or break the line. */
const UNSEEN = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/**
 * A name from outside for a person at a terminal: what would move the cursor, end the line or turn text round is written
 * as an escape. Otherwise a file on somebody's CD could be named so that the terminal shows another result above its own.
 */
export function visible(text: string): string {
  return text.replace(UNSEEN, (mark) => `\\u{${(mark.codePointAt(0) ?? 0).toString(16)}}`);
}
