import sharp from 'sharp';
import { drawPhantom, type PhantomDrawing } from './draw.ts';

/** A phantom film as a JPEG or PNG file of 8 bits, bone bright. */
export async function phantomPicture(
  options: Omit<PhantomDrawing, 'bits'> & { format?: 'jpeg' | 'png'; quality?: number } = {},
): Promise<Uint8Array> {
  const { width, height, pixels } = drawPhantom({ ...options, bits: 8 });
  const picture = sharp(Uint8Array.from(pixels), { raw: { width, height, channels: 1 } }).toColourspace(
    'b-w',
  );
  return options.format === 'png'
    ? picture.png().toBuffer()
    : picture.jpeg({ quality: options.quality ?? 90 }).toBuffer();
}
