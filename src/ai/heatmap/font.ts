/**
 * A bitmap font of our own, so that the letters burned into a heat map have the same bytes on any machine.
 * Seven rows to the base line and two below it for descenders, one base-32 digit (five pixels) a row.
 */
const GLYPHS: Readonly<Record<string, string>> = {
  ' ': '0000000',
  '!': '4444404',
  '"': 'aa00000',
  '#': 'aavavaa',
  '%': 'op248j3',
  '&': 'cik8lid',
  "'": '4480000',
  '(': '2488842',
  ')': '8422248',
  '*': '04lel40',
  '+': '044v440',
  ',': '00000cc48',
  '-': '000e000',
  '.': '00000cc',
  '/': '01248g0',
  '0': 'ehjlphe',
  '1': '4c4444e',
  '2': 'eh1248v',
  '3': 'v2421he',
  '4': '26aiv22',
  '5': 'vgu11he',
  '6': '68guhhe',
  '7': 'v124888',
  '8': 'ehhehhe',
  '9': 'ehhf12c',
  ':': '0cc0cc0',
  ';': '00cc0cc48',
  '<': '248g842',
  '=': '00v0v00',
  '>': '8421248',
  '?': 'eh12404',
  A: 'ehhvhhh',
  B: 'uhhuhhu',
  C: 'ehggghe',
  D: 'uhhhhhu',
  E: 'vgguggv',
  F: 'vgguggg',
  G: 'ehgnhhf',
  H: 'hhhvhhh',
  I: 'e44444e',
  J: '72222ic',
  K: 'hikokih',
  L: 'ggggggv',
  M: 'hrlhhhh',
  N: 'hpljhhh',
  O: 'ehhhhhe',
  P: 'uhhuggg',
  Q: 'ehhhlid',
  R: 'uhhukih',
  S: 'fgge11u',
  T: 'v444444',
  U: 'hhhhhhe',
  V: 'hhhhha4',
  W: 'hhhllla',
  X: 'hha4ahh',
  Y: 'hha4444',
  Z: 'v1248gv',
  '[': 'e88888e',
  ']': 'e22222e',
  _: '000000v',
  a: '00e1fhf',
  b: 'ggmphhu',
  c: '00egghe',
  d: '11djhhf',
  e: '00ehvge',
  f: '698s888',
  g: '00fhhhf1e',
  h: 'ggmphhh',
  i: '40c444e',
  j: '2062222ic',
  k: 'ggikoki',
  l: 'c44444e',
  m: '00qllhh',
  n: '00mphhh',
  o: '00ehhhe',
  p: '00mphhugg',
  q: '00djhhf11',
  r: '00mpggg',
  s: '00fge1u',
  t: '88s8896',
  u: '00hhhjd',
  v: '00hhha4',
  w: '00hhlla',
  x: '00ha4ah',
  y: '00hhhhf1e',
  z: '00v248v',
  Ä: 'a0ehvhh',
  Ö: 'a0ehhhe',
  Ü: 'a0hhhhe',
  ß: 'cikihhm',
  ä: 'a0e1fhf',
  ö: '0a0ehhe',
  ü: 'a0hhhjd',
};

/** Width of a letter with the gap after it, and height of a line with the gap below it, in font pixels. */
export const LETTER_WIDTH = 6;
export const LINE_HEIGHT = 12;

/** Calls `put` with every lit font pixel of a text. Letters that the font lacks are drawn as `?`. */
export function drawText(text: string, put: (x: number, y: number) => void): void {
  [...text].forEach((letter, place) => {
    const rows = GLYPHS[letter] ?? (GLYPHS['?'] as string);
    [...rows].forEach((digit, y) => {
      const bits = Number.parseInt(digit, 32);
      for (let x = 0; x < 5; x += 1) if ((bits >> (4 - x)) & 1) put(place * LETTER_WIDTH + x, y);
    });
  });
}

/** A text cut into lines of at most `letters` letters, between words where it can be. */
export function wrapText(text: string, letters: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > letters) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
    while (line.length > letters) {
      lines.push(line.slice(0, letters));
      line = line.slice(letters);
    }
  }
  return [...lines, line];
}
