import { DeepHealthError } from '../../errors/error.ts';
import type { FilmLimits } from './limits.ts';
import { tagOf } from './values.ts';

/** A place in the bytes of a dataset, and what reading has cost so far. */
export class Cursor {
  readonly bytes: Uint8Array;
  position: number;
  readonly #view: DataView;
  readonly #limits: FilmLimits;
  #elements = 0;
  #headerBytes = 0;

  constructor(bytes: Uint8Array, start: number, limits: FilmLimits) {
    this.bytes = bytes;
    this.position = start;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#limits = limits;
  }

  /**
   * Makes sure that so many bytes follow before `end`.
   * @throws DeepHealthError `file.truncated` when the file ends before, `file.malformed` when an item does.
   */
  need(length: number, end: number): void {
    if (this.position + length <= end) return;
    if (end === this.bytes.length) throw new DeepHealthError('file.truncated');
    throw new DeepHealthError('file.malformed', 'An element is longer than the item that holds it.');
  }

  /** @throws DeepHealthError `file.too-complex` after more elements than the limit. */
  countElement(): void {
    this.#elements += 1;
    if (this.#elements <= this.#limits.elements) return;
    throw new DeepHealthError(
      'file.too-complex',
      `The file has more than ${this.#limits.elements} elements.`,
    );
  }

  /** @throws DeepHealthError `file.too-complex` after more bytes of text and numbers than the limit. */
  countHeaderBytes(length: number): void {
    this.#headerBytes += length;
    if (this.#headerBytes <= this.#limits.headerBytes) return;
    throw new DeepHealthError(
      'file.too-complex',
      `The header holds more than ${this.#limits.headerBytes} bytes of text and numbers.`,
    );
  }

  /** @throws DeepHealthError `file.too-complex` for sequences nested deeper than the limit. */
  checkDepth(depth: number): void {
    if (depth <= this.#limits.depth) return;
    throw new DeepHealthError('file.too-complex', `Sequences are nested deeper than ${this.#limits.depth}.`);
  }

  peekTag(little: boolean): string {
    return tagOf(
      this.#view.getUint16(this.position, little),
      this.#view.getUint16(this.position + 2, little),
    );
  }

  readTag(little: boolean): string {
    const tag = this.peekTag(little);
    this.position += 4;
    return tag;
  }

  readUint16(little: boolean): number {
    const value = this.#view.getUint16(this.position, little);
    this.position += 2;
    return value;
  }

  readUint32(little: boolean): number {
    const value = this.#view.getUint32(this.position, little);
    this.position += 4;
    return value;
  }

  /** The next bytes, as a view. */
  take(length: number): Uint8Array {
    const start = this.position;
    this.position += length;
    return this.bytes.subarray(start, this.position);
  }
}
