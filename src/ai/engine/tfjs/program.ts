import type { Tensor } from '@tensorflow/tfjs-core';
import type { Tf } from './backend.ts';
import type { Graph, Node } from './graph.ts';
import { type FoldedConstant, inOnnxOrder, OPERATORS, type Step } from './operators.ts';
import { plain, type Value } from './value.ts';

/** A graph made ready to run. */
export interface Program {
  /** Takes the input over and gives the outputs in ONNX order; the caller disposes them. */
  run(input: Value): Tensor[];
  dispose(): void;
}

interface Instruction {
  readonly step: Step;
  readonly reads: readonly string[];
  readonly writes: string;
  /** Values that nothing after this step reads. */
  readonly spent: readonly string[];
}

/**
 * Turns a graph into steps: quantised constants are folded, only what the outputs need is kept, and every
 * value is freed after its last reader.
 * @throws RangeError for operators, attributes or names that are not known
 */
export function compile(tf: Tf, graph: Graph, input: string, outputs: readonly string[]): Program {
  if (!graph.inputs.includes(input)) throw new RangeError(`it has no input named ${input}`);
  const held: Tensor[] = [];
  const dispose = () => {
    for (const tensor of held.splice(0)) tensor.dispose();
  };
  try {
    const { constants, nodes } = fold(graph);
    const needed = neededNodes(nodes, constants, input, outputs);
    const lastReader = new Map<string, number>();
    needed.forEach((node, i) => {
      for (const name of node.inputs) lastReader.set(name, i);
    });
    for (const name of outputs) lastReader.set(name, needed.length);
    const instructions = needed.map((node, i): Instruction => {
      const operator = OPERATORS[node.op];
      if (operator === undefined) throw new RangeError(`the operator ${node.op} is not known`);
      const step = operator({
        tf,
        node,
        constants: node.inputs.map((name) => constants.get(name)),
        hold: (tensor) => {
          held.push(tensor);
          return tensor;
        },
      });
      const reads = node.inputs.filter((name) => name !== '' && !constants.has(name));
      const spent = [...new Set(reads)].filter((name) => lastReader.get(name) === i);
      return { step, reads, writes: node.outputs[0] as string, spent };
    });
    return { run: (image) => run(tf, instructions, input, outputs, image), dispose };
  } catch (cause) {
    dispose();
    throw cause;
  }
}

function run(
  tf: Tf,
  instructions: readonly Instruction[],
  input: string,
  outputs: readonly string[],
  image: Value,
): Tensor[] {
  const values = new Map<string, Value>([[input, image]]);
  const value = (name: string): Value => {
    const found = values.get(name);
    if (found === undefined) throw new RangeError(`the value ${name} is read before it is made`);
    return found;
  };
  try {
    for (const { step, reads, writes, spent } of instructions) {
      values.set(writes, step(reads.map(value)));
      for (const name of spent) {
        value(name).tensor.dispose();
        values.delete(name);
      }
    }
    return outputs.map((name) => tf.tidy(() => inOnnxOrder(tf, plain(tf, value(name)))));
  } finally {
    for (const { tensor } of values.values()) tensor.dispose();
  }
}

/** Constants with the DequantizeLinear behind them taken in, and the nodes that are left. */
function fold(graph: Graph): { constants: Map<string, FoldedConstant>; nodes: Node[] } {
  const constants = new Map<string, FoldedConstant>();
  for (const [name, constant] of graph.constants) constants.set(name, { ...constant, scales: null, axis: 0 });
  const nodes = graph.nodes.filter((node) => {
    const [name = '', scaleName = '', zeroName = ''] = node.inputs;
    const levels = constants.get(name);
    const output = node.outputs[0];
    if (node.op !== 'DequantizeLinear' || levels === undefined || output === undefined) return true;
    const scales = constants.get(scaleName)?.values;
    if (scales === undefined) throw new RangeError('the scale of a constant is not a constant');
    const axis = node.ints.get('axis')?.[0] ?? 1;
    const zeros = constants.get(zeroName)?.values ?? new Float32Array(1);
    const inner = levels.dims.slice(axis + 1).reduce((product, side) => product * side, 1);
    const values = levels.values.map(
      (level, i) => level - (zeros[zeros.length === 1 ? 0 : Math.floor(i / inner) % zeros.length] as number),
    );
    constants.set(output, { ...levels, values, scales, axis });
    return false;
  });
  return { constants, nodes };
}

function neededNodes(
  nodes: readonly Node[],
  constants: ReadonlyMap<string, FoldedConstant>,
  input: string,
  outputs: readonly string[],
): Node[] {
  const wanted = new Set(outputs);
  const kept: Node[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((name) => wanted.has(name))) continue;
    kept.unshift(node);
    for (const name of node.inputs) if (name !== '' && !constants.has(name)) wanted.add(name);
  }
  const made = new Set([input, ...kept.flatMap((node) => node.outputs)]);
  const missing = [...wanted].find((name) => !made.has(name));
  if (missing !== undefined) throw new RangeError(`nothing in it makes the value ${missing}`);
  return kept;
}
