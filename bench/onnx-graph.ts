/** A writer for small ONNX files (onnx.proto), enough for graphs of one operator to measure a rate with. */

type Field =
  | { readonly number: number; readonly bytes: Uint8Array }
  | { readonly number: number; readonly value: number };

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}

function message(...fields: readonly (Field | undefined)[]): Uint8Array {
  return Buffer.concat(
    fields.flatMap((field) => {
      if (field === undefined) return [];
      if ('value' in field) return [Buffer.from([...varint(field.number * 8), ...varint(field.value)])];
      return [Buffer.from([...varint(field.number * 8 + 2), ...varint(field.bytes.length)]), field.bytes];
    }),
  );
}

const text = (number: number, value: string): Field => ({ number, bytes: Buffer.from(value) });
const whole = (number: number, value: number): Field => ({ number, value });
const inside = (number: number, bytes: Uint8Array): Field => ({ number, bytes });

/** TensorProto.DataType */
const TYPES = { float32: 1, uint8: 2, int8: 3, int32: 6 } as const;
type Type = keyof typeof TYPES;

/** TensorProto with raw little endian bytes. */
function tensor(name: string, type: Type, shape: readonly number[], raw: Uint8Array): Uint8Array {
  return message(
    ...shape.map((side) => whole(1, side)),
    whole(2, TYPES[type]),
    text(8, name),
    inside(9, raw),
  );
}

function valueInfo(name: string, type: Type, shape: readonly number[]): Uint8Array {
  const sides = message(...shape.map((side) => inside(1, message(whole(1, side)))));
  return message(
    text(1, name),
    inside(2, message(inside(1, message(whole(1, TYPES[type]), inside(2, sides))))),
  );
}

function node(op: string, inputs: readonly string[], output: string): Uint8Array {
  return message(...inputs.map((input) => text(1, input)), text(2, output), text(3, output), text(4, op));
}

function model(graph: Uint8Array): Uint8Array {
  return message(
    whole(1, 8),
    text(2, 'bench'),
    inside(7, graph),
    inside(8, message(text(1, ''), whole(2, 13))),
  );
}

/**
 * `rows` × `inner` times `inner` × `columns`, the right side a constant, as unsigned by signed bytes with a sum
 * in 32 bits (MatMulInteger: the product inside of every int8 convolution) or in float32 (MatMul). The input is
 * `left`, the output `product`.
 */
export function productGraph(
  kind: 'bytes' | 'float',
  rows: number,
  inner: number,
  columns: number,
): Uint8Array {
  const bytes = kind === 'bytes';
  const values = Float32Array.from({ length: inner * columns }, (_, i) => ((i * 7919) % 201) - 100);
  const right = bytes ? Int8Array.from(values) : values.map((value) => value / 100);
  const raw = new Uint8Array(right.buffer, right.byteOffset, right.byteLength);
  return model(
    message(
      inside(1, node(bytes ? 'MatMulInteger' : 'MatMul', ['left', 'right'], 'product')),
      text(2, 'product'),
      inside(5, tensor('right', bytes ? 'int8' : 'float32', [inner, columns], raw)),
      inside(11, valueInfo('left', bytes ? 'uint8' : 'float32', [rows, inner])),
      inside(12, valueInfo('product', bytes ? 'int32' : 'float32', [rows, columns])),
    ),
  );
}
