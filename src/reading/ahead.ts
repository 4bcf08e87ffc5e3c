/**
 * Works on inputs ahead of their consumer and hands the results over in the order of the inputs. At most
 * `limit` are under way or waiting to be taken, so memory does not depend on the number of inputs.
 *
 * @param work must not reject; failures are values
 * @param limit at least 1
 */
export async function* ahead<In, Out>(
  inputs: AsyncIterable<In> | Iterable<In>,
  work: (input: In) => Promise<Out>,
  limit: number,
): AsyncGenerator<Out> {
  const source = Symbol.asyncIterator in inputs ? inputs[Symbol.asyncIterator]() : inputs[Symbol.iterator]();
  const underWay: Promise<Out>[] = [];
  let ended = false;
  try {
    for (;;) {
      while (!ended && underWay.length < limit) {
        const { value, done } = await source.next();
        if (done === true) ended = true;
        else underWay.push(work(value));
      }
      const first = underWay.shift();
      if (first === undefined) return;
      yield await first;
    }
  } finally {
    await source.return?.();
    await Promise.allSettled(underWay);
  }
}
