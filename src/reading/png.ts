/** A coloured picture (row-major, three bytes a pixel) as a PNG file. */
export async function pngOf(picture: {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}): Promise<Uint8Array> {
  const { width, height, rgb } = picture;
  // Loaded when the first picture is written: most runs write none.
  const { default: sharp } = await import('sharp');
  return await sharp(rgb, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 2 })
    .toBuffer();
}
