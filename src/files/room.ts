/** Room on the disk for one file that is written as its bytes come. */
export interface Room {
  /** Sets aside room for so many bytes more, before they are written; false where there is none. */
  take(bytes: number): Promise<boolean>;
  /** The file is on disk, synced, or removed again. To be called on every way out; once more does nothing. */
  end(): void;
}
