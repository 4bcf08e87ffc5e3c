export interface AheadOptions<In, Out> {
  /** Must not reject; failures are values. */
  readonly work: (input: In) => Promise<Out>;
  /** Inputs that are worked on at once, at least 1. */
  readonly limit: number;
  /**
   * Inputs that are worked on or done and not yet taken, at least `limit`, which is the default. What is quick is done
   * while one before it takes long, instead of leaving its place unused until the slow one was taken.
   */
  readonly kept?: number;
}

/**
 * Works on inputs ahead of their consumer and hands the results over in the order of the inputs. How much is in
 * hand does not depend on the number of inputs. A place that gets free is taken at once, whatever the consumer is at.
 */
export async function* ahead<In, Out>(
  inputs: AsyncIterable<In> | Iterable<In>,
  { work, limit, kept = limit }: AheadOptions<In, Out>,
): AsyncGenerator<Out> {
  const source = Symbol.asyncIterator in inputs ? inputs[Symbol.asyncIterator]() : inputs[Symbol.iterator]();
  /** In the order of the inputs; the first is the consumer's until it asks for the next. */
  const inHand: Promise<Out>[] = [];
  let running = 0;
  let ended = false;
  let failure: { readonly cause: unknown } | undefined;
  let filling: Promise<void> | undefined;

  const room = () => !ended && running < limit && inHand.length < kept;
  /** Begins as many as there is room for. */
  const fill = (): Promise<void> => {
    if (filling === undefined && room()) filling = begin();
    return filling ?? Promise.resolve();
  };
  const begin = async () => {
    while (room()) {
      try {
        const { value, done } = await source.next();
        if (done === true) ended = true;
        if (ended) break;
        running += 1;
        inHand.push(work(value).finally(finished));
      } catch (cause) {
        ended = true;
        failure = { cause };
      }
    }
    // At once, not when the promise settles: a place may get free in between.
    filling = undefined;
  };
  const finished = () => {
    running -= 1;
    void fill();
  };

  try {
    for (;;) {
      const filled = fill();
      if (inHand.length === 0) await filled;
      const [first] = inHand;
      if (first !== undefined) {
        yield await first;
        inHand.shift();
      } else if (failure !== undefined) throw failure.cause;
      else return;
    }
  } finally {
    ended = true;
    await filling;
    await source.return?.();
    await Promise.allSettled(inHand);
  }
}
