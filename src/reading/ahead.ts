interface Pending<Out> {
  readonly promise: Promise<Out>;
  settled: boolean;
}

/**
 * Works on inputs ahead of their consumer and hands the results over in the order of the inputs, in batches
 * of those that are ready: while one batch is inferred, the next films are decoded. At most `ahead` results
 * are under way or waiting, so memory does not depend on the number of inputs.
 *
 * @param work must not reject; failures are values
 * @param ahead how many inputs may be under way or waiting (>= 1)
 * @param batch the most results handed over at once (1..ahead)
 */
export async function* batchesAhead<In, Out>(
  inputs: AsyncIterable<In> | Iterable<In>,
  work: (input: In) => Promise<Out>,
  { ahead, batch }: { readonly ahead: number; readonly batch: number },
): AsyncGenerator<Out[]> {
  const source = Symbol.asyncIterator in inputs ? inputs[Symbol.asyncIterator]() : inputs[Symbol.iterator]();
  const pending: Pending<Out>[] = [];
  let ended = false;

  async function fill(): Promise<void> {
    while (!ended && pending.length < ahead) {
      const { value, done } = await source.next();
      if (done === true) {
        ended = true;
        return;
      }
      const promise = work(value);
      const entry: Pending<Out> = { promise, settled: false };
      promise.then(
        () => {
          entry.settled = true;
        },
        () => {
          entry.settled = true;
        },
      );
      pending.push(entry);
    }
  }

  try {
    for (;;) {
      await fill();
      const [first] = pending;
      if (first === undefined) return;
      await first.promise;
      const ready: Out[] = [];
      while (ready.length < batch && pending[0]?.settled === true) {
        const entry = pending.shift();
        if (entry !== undefined) ready.push(await entry.promise);
      }
      await fill();
      yield ready;
    }
  } finally {
    await source.return?.();
    await Promise.allSettled(pending.map((entry) => entry.promise));
  }
}
