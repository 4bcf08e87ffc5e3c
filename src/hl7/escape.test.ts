import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escaped, escapedLines } from './escape.ts';

test('delimiters inside a value are escaped, the escape character itself first of all', () => {
  assert.equal(escaped('a|b^c~d&e\\f'), 'a\\F\\b\\S\\c\\R\\d\\T\\e\\E\\f');
  assert.equal(escaped('\\.br\\'), '\\E\\.br\\E\\');
});

test('nothing in a value can end its segment, the message or the MLLP frame', () => {
  assert.equal(escaped('a\rPID|1\u000b\u001c\r\nb\u0000'), 'a PID\\F\\1 b ');
});

test('line breaks are written as the receiver wants them, and only those of the text', () => {
  const text = 'one\r\ntwo | 2\nthree\r~';
  assert.equal(escapedLines(text, '.br'), 'one\\.br\\two \\F\\ 2\\.br\\three\\.br\\\\R\\');
  assert.equal(escapedLines('one\ntwo', 'X0A'), 'one\\X0A\\two');
  assert.equal(escapedLines('one\ntwo', 'repetition'), 'one~two');
});
