/** Delimiters and escapes of HL7 v2 (chapter 2.7), with the usual encoding characters |^~\&. */

const ESCAPES: Readonly<Record<string, string>> = {
  '|': '\\F\\',
  '^': '\\S\\',
  '~': '\\R\\',
  '&': '\\T\\',
  '\\': '\\E\\',
};

/** How a line break inside a text observation is written. */
export type LineBreak = '.br' | 'X0A' | 'repetition';

const LINE_BREAKS: Readonly<Record<LineBreak, string>> = {
  '.br': '\\.br\\',
  X0A: '\\X0A\\',
  repetition: '~',
};

/**
 * One primitive value, escaped: nothing in it can end a field, a segment or the message. Control characters,
 * line ends among them, become one blank a run.
 */
export function escaped(value: string): string {
  return value.replace(/\p{Cc}+/gu, ' ').replace(/[|^~&\\]/g, (delimiter) => ESCAPES[delimiter] ?? '');
}

/** A text of several lines, each escaped, with line breaks as the receiver wants them. */
export function escapedLines(value: string, lineBreak: LineBreak): string {
  return value
    .split(/\r\n|\r|\n/)
    .map(escaped)
    .join(LINE_BREAKS[lineBreak]);
}
