import { fields, floats, integers, octets, string } from './protobuf.ts';

/** A constant of the graph. Integer types are widened to float32, in which all levels up to 24 bits are exact. */
export interface Constant {
  readonly type: 'float32' | 'uint8' | 'int8' | 'int32' | 'int64';
  readonly dims: readonly number[];
  readonly values: Float32Array;
}

export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly ints: ReadonlyMap<string, readonly number[]>;
  readonly floats: ReadonlyMap<string, number>;
  readonly strings: ReadonlyMap<string, string>;
}

/** The part of an ONNX file that is run: nodes in order, constants by name, names of inputs and outputs. */
export interface Graph {
  readonly opset: number;
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Constant>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/**
 * Reads an ONNX ModelProto (onnx.proto, IR version 3 and later). Constants must be inside of the file.
 * @throws RangeError with what is wrong
 */
export function readGraph(bytes: Uint8Array): Graph {
  let opset = 0;
  let graph: Uint8Array | undefined;
  for (const field of fields(bytes)) {
    if (field.number === 7) graph = octets(field);
    else if (field.number === 8) {
      let domain = '';
      let version = 0;
      for (const part of fields(octets(field))) {
        if (part.number === 1) domain = string(part);
        if (part.number === 2) version = integers(part)[0] ?? 0;
      }
      if (domain === '' || domain === 'ai.onnx') opset = version;
    }
  }
  if (graph === undefined) throw new RangeError('the file holds no graph');
  const nodes: Node[] = [];
  const constants = new Map<string, Constant>();
  const inputs: string[] = [];
  const outputs: string[] = [];
  for (const field of fields(graph)) {
    if (field.number === 1) nodes.push(readNode(octets(field)));
    else if (field.number === 5) {
      const [name, constant] = readTensor(octets(field));
      constants.set(name, constant);
    } else if (field.number === 11) inputs.push(firstString(octets(field)));
    else if (field.number === 12) outputs.push(firstString(octets(field)));
  }
  return { opset, nodes, constants, inputs: inputs.filter((name) => !constants.has(name)), outputs };
}

function firstString(message: Uint8Array): string {
  for (const field of fields(message)) if (field.number === 1) return string(field);
  throw new RangeError('an input or output has no name');
}

function readNode(message: Uint8Array): Node {
  let op = '';
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = {
    ints: new Map<string, number[]>(),
    floats: new Map<string, number>(),
    strings: new Map<string, string>(),
  };
  for (const field of fields(message)) {
    if (field.number === 1) inputs.push(string(field));
    else if (field.number === 2) outputs.push(string(field));
    else if (field.number === 4) op = string(field);
    else if (field.number === 5) readAttribute(octets(field), attributes);
  }
  return { op, inputs, outputs, ...attributes };
}

function readAttribute(
  message: Uint8Array,
  into: { ints: Map<string, number[]>; floats: Map<string, number>; strings: Map<string, string> },
): void {
  let name = '';
  let float: number | undefined;
  let text: string | undefined;
  const ints: number[] = [];
  for (const field of fields(message)) {
    if (field.number === 1) name = string(field);
    else if (field.number === 2) float = floats(field)[0];
    else if (field.number === 3 || field.number === 8) ints.push(...integers(field));
    else if (field.number === 4) text = string(field);
  }
  if (ints.length > 0) into.ints.set(name, ints);
  if (float !== undefined) into.floats.set(name, float);
  if (text !== undefined) into.strings.set(name, text);
}

const TYPES: Readonly<Record<number, Constant['type']>> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  6: 'int32',
  7: 'int64',
};

function readTensor(message: Uint8Array): [string, Constant] {
  let name = '';
  let code = 0;
  const dims: number[] = [];
  const listed: number[] = [];
  let raw: Uint8Array | undefined;
  for (const field of fields(message)) {
    if (field.number === 1) dims.push(...integers(field));
    else if (field.number === 2) code = integers(field)[0] ?? 0;
    else if (field.number === 4) listed.push(...floats(field));
    else if (field.number === 5 || field.number === 7) listed.push(...integers(field));
    else if (field.number === 8) name = string(field);
    else if (field.number === 9) raw = octets(field);
    else if (field.number === 13) throw new RangeError(`constant ${name} is stored outside of the file`);
  }
  const type = TYPES[code];
  if (type === undefined)
    throw new RangeError(`constant ${name} has the element type ${code}, which is not known`);
  const values = raw === undefined ? Float32Array.from(listed) : widen(type, raw);
  const count = dims.reduce((product, side) => product * side, 1);
  if (values.length !== count)
    throw new RangeError(`constant ${name} holds ${values.length} of ${count} values`);
  return [name, { type, dims, values }];
}

function widen(type: Constant['type'], raw: Uint8Array): Float32Array {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const width = type === 'int64' ? 8 : type === 'uint8' || type === 'int8' ? 1 : 4;
  const values = new Float32Array(Math.floor(raw.length / width));
  for (let i = 0; i < values.length; i += 1) {
    if (type === 'float32') values[i] = view.getFloat32(i * 4, true);
    else if (type === 'uint8') values[i] = view.getUint8(i);
    else if (type === 'int8') values[i] = view.getInt8(i);
    else if (type === 'int32') values[i] = view.getInt32(i * 4, true);
    else values[i] = Number(view.getBigInt64(i * 8, true));
  }
  return values;
}
