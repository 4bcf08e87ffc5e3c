/** How the pixels of a transfer syntax are coded. */
export type Coding = 'little' | 'big' | 'rle' | 'jpeg' | 'jpeg-ls' | 'jpeg-2000' | 'htj2k';

/** Transfer syntaxes that can be decoded (PS3.5 10 and A; PS3.6 A). Deflated is inflated by the file reader. */
const CODINGS: ReadonlyMap<string, Coding> = new Map([
  ['1.2.840.10008.1.2', 'little'],
  ['1.2.840.10008.1.2.1', 'little'],
  ['1.2.840.10008.1.2.1.99', 'little'],
  ['1.2.840.10008.1.2.2', 'big'],
  ['1.2.840.10008.1.2.5', 'rle'],
  ['1.2.840.10008.1.2.4.50', 'jpeg'],
  ['1.2.840.10008.1.2.4.51', 'jpeg'],
  ['1.2.840.10008.1.2.4.57', 'jpeg'],
  ['1.2.840.10008.1.2.4.70', 'jpeg'],
  ['1.2.840.10008.1.2.4.80', 'jpeg-ls'],
  ['1.2.840.10008.1.2.4.81', 'jpeg-ls'],
  ['1.2.840.10008.1.2.4.90', 'jpeg-2000'],
  ['1.2.840.10008.1.2.4.91', 'jpeg-2000'],
  ['1.2.840.10008.1.2.4.201', 'htj2k'],
  ['1.2.840.10008.1.2.4.202', 'htj2k'],
  ['1.2.840.10008.1.2.4.203', 'htj2k'],
]);

/** The coding of a transfer syntax UID, or undefined when it cannot be decoded here. */
export function codingOf(transferSyntax: string): Coding | undefined {
  return CODINGS.get(transferSyntax);
}

/** Transfer syntaxes that allow loss; what they hold may have been coded without any all the same. */
const LOSSY: ReadonlySet<string> = new Set([
  '1.2.840.10008.1.2.4.50',
  '1.2.840.10008.1.2.4.51',
  '1.2.840.10008.1.2.4.81',
  '1.2.840.10008.1.2.4.91',
  '1.2.840.10008.1.2.4.203',
]);

/** Whether decoded values may differ from those that were compressed. */
export function allowsLoss(transferSyntax: string): boolean {
  return LOSSY.has(transferSyntax);
}
