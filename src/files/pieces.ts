/** Larger pieces are not kept: they are of rare films. */
export const MOST_PIECE_BYTES = 32 * 2 ** 20;
const STEP = 2 ** 20;

/** Bytes of the piece that is made for so many: whole steps, so that what is about the same size fits into the same. */
export function pieceBytes(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / STEP)) * STEP;
}

/** Pieces of memory that nobody uses. */
export interface Pieces<Piece> {
  readonly count: number;
  /** The smallest that is as large as this, which is taken out. */
  takeFitting(bytes: number): Piece | undefined;
  /** Lets go of the smallest, since a larger one serves as well; whether there was one. */
  dropSmallest(): boolean;
  put(piece: Piece): void;
  clear(): void;
}

export function createPieces<Piece extends { readonly byteLength: number }>(): Pieces<Piece> {
  /** Smallest first. */
  const pieces: Piece[] = [];
  return {
    get count() {
      return pieces.length;
    },
    takeFitting(bytes) {
      const fitting = pieces.findIndex(({ byteLength }) => byteLength >= bytes);
      return fitting < 0 ? undefined : pieces.splice(fitting, 1)[0];
    },
    dropSmallest: () => pieces.shift() !== undefined,
    put(piece) {
      const larger = pieces.findIndex(({ byteLength }) => byteLength > piece.byteLength);
      pieces.splice(larger < 0 ? pieces.length : larger, 0, piece);
    },
    clear() {
      pieces.length = 0;
    },
  };
}
