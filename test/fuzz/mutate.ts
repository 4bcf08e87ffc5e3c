import type { FuzzRandom } from './random.ts';

/** Numbers at which lengths, counts and sizes break. */
const EDGES = [
  0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 511, 512, 1023, 4095, 4096, 32_767, 32_768,
  65_534, 65_535, 65_536, 0x7f_ffff, 0xff_ffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff,
];

/** A few changes to bytes: flips, edges written as numbers, pieces cut out, doubled, moved, put in, cut short. */
export function mutated(
  source: Uint8Array,
  random: FuzzRandom,
  options: { readonly pieces?: readonly Uint8Array[]; readonly most?: number } = {},
): Uint8Array {
  let bytes = Buffer.from(source);
  const changes = 1 + random.below(options.most ?? 6);
  for (let change = 0; change < changes; change++) bytes = mutateOnce(bytes, random, options.pieces ?? []);
  return Uint8Array.from(bytes);
}

function mutateOnce(
  bytes: Buffer<ArrayBuffer>,
  random: FuzzRandom,
  pieces: readonly Uint8Array[],
): Buffer<ArrayBuffer> {
  // Half of the damage goes to the beginning, where headers are.
  const reach = random.maybe(0.5) ? Math.min(bytes.length, 256) : bytes.length;
  const at = random.below(reach + 1);
  const length = Math.min(bytes.length - at, 1 + random.below(random.maybe(0.8) ? 16 : 1024));
  switch (random.below(9)) {
    case 0:
      if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      return bytes;
    case 1:
      if (at < bytes.length) bytes[at] = random.below(256);
      return bytes;
    case 2: {
      const value = random.pick(EDGES);
      const width = random.pick([1, 2, 4]);
      if (at + width > bytes.length) return bytes;
      const fitted = value % 2 ** (8 * width);
      if (random.maybe(0.5)) bytes.writeUIntLE(fitted, at, width);
      else bytes.writeUIntBE(fitted, at, width);
      return bytes;
    }
    case 3:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    case 4:
      return Buffer.concat([
        bytes.subarray(0, at + length),
        bytes.subarray(at, at + length),
        bytes.subarray(at + length),
      ]);
    case 5: {
      const piece =
        pieces.length > 0 && random.maybe(0.8) ? random.pick(pieces) : random.bytes(1 + random.below(16));
      return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
    }
    case 6: {
      const from = random.below(bytes.length + 1);
      bytes.copyWithin(at, from, Math.min(bytes.length, from + length));
      return bytes;
    }
    case 7:
      bytes.fill(random.pick([0, 0xff, 0x20, 0x41]), at, at + length);
      return bytes;
    default:
      return random.maybe(0.3) ? bytes.subarray(0, random.below(bytes.length + 1)) : bytes;
  }
}

/** The same for text, with words that matter to its readers. */
export function mutatedText(source: string, random: FuzzRandom, words: readonly string[]): Uint8Array {
  const pieces = words.map((word) => Buffer.from(word, 'utf8'));
  return mutated(Buffer.from(source, 'utf8'), random, { pieces, most: 8 });
}

/** Text with which people attack readers of names. */
export const NASTY_WORDS: readonly string[] = [
  '<script>alert(1)</script>',
  '\r\n',
  '\r',
  '\n',
  '\0',
  '|^~\\&',
  '\\X0D\\',
  '%s%n',
  '%{jndi:x}',
  "'; DROP TABLE x;--",
  '../../etc/passwd',
  '\u202e\u2066',
  '\ud800',
  '\x1b[2J',
  '\x0b',
  '\x1c',
  '__proto__',
  'constructor',
  '\u00e9\u4e2d',
  '{"',
  '"}',
  '[[',
  'null',
  '1e999',
  '-0',
  '9'.repeat(70),
  ' '.repeat(300),
];
