/** What a JPEG or PNG file says about its picture before it is decoded. */
export interface PictureHeader {
  readonly codec: 'jpeg' | 'png';
  readonly rows: number;
  readonly columns: number;
  /** Channels as decoded: grey, or red, green and blue; then transparency (2 and 4). Palettes count as colour. */
  readonly channels: 1 | 2 | 3 | 4;
  /** Bits of a channel as decoded. */
  readonly depth: 8 | 16;
  /** Orientation of EXIF, 1 to 8; 1 when the file says nothing. */
  readonly orientation: number;
  /** A grey picture says by a profile how bright its greys are meant. Those of colours are all like sRGB there. */
  readonly greyProfile: boolean;
}
