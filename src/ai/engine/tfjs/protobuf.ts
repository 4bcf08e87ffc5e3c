/** One field of a protobuf message: its number and its raw value by wire type. */
export type Field =
  | { readonly number: number; readonly wire: 'varint'; readonly value: bigint }
  | { readonly number: number; readonly wire: 'fixed'; readonly value: Uint8Array }
  | { readonly number: number; readonly wire: 'bytes'; readonly value: Uint8Array };

/**
 * The fields of one protobuf message in their order (wire format: varint, 64-bit, length-delimited, 32-bit;
 * groups do not occur in ONNX).
 * @throws RangeError when the bytes are no protobuf message
 */
export function* fields(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at];
      if (byte === undefined) break;
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new RangeError('a number in the file does not end');
  };
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at) throw new RangeError('a field reaches beyond the end of the file');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const number = Math.floor(key / 8);
    const type = key % 8;
    if (type === 0) yield { number, wire: 'varint', value: varint() };
    else if (type === 1) yield { number, wire: 'fixed', value: take(8) };
    else if (type === 2) yield { number, wire: 'bytes', value: take(Number(varint())) };
    else if (type === 5) yield { number, wire: 'fixed', value: take(4) };
    else throw new RangeError(`wire type ${type} is not known`);
  }
}

/** A repeated integer field, packed or not, as signed numbers. */
export function integers(field: Field): number[] {
  if (field.wire === 'varint') return [Number(BigInt.asIntN(64, field.value))];
  if (field.wire === 'fixed') throw new RangeError('an integer is stored as a fixed field');
  const found: number[] = [];
  let value = 0n;
  let shift = 0n;
  for (const byte of field.value) {
    value |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    if (byte < 0x80) {
      found.push(Number(BigInt.asIntN(64, value)));
      value = 0n;
      shift = 0n;
    }
  }
  return found;
}

/** A repeated float field, packed or not. */
export function floats(field: Field): number[] {
  if (field.wire === 'varint') throw new RangeError('a float is stored as an integer');
  const view = new DataView(field.value.buffer, field.value.byteOffset, field.value.byteLength);
  return Array.from({ length: Math.floor(field.value.length / 4) }, (_, i) => view.getFloat32(i * 4, true));
}

/** A string or bytes field as text. */
export function string(field: Field): string {
  return new TextDecoder().decode(octets(field));
}

/** The bytes of a length-delimited field. */
export function octets(field: Field): Uint8Array {
  if (field.wire !== 'bytes') throw new RangeError('a message is stored as a number');
  return field.value;
}
