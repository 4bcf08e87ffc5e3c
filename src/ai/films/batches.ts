/**
 * Works on inputs in batches, ahead of the consumer, and gives the results in the order of the inputs. At most
 * `limit` batches are under way or wait to be taken, so memory does not depend on the number of inputs. A
 * batch that fails ends the rest once the ones under way have ended; a consumer that leaves early waits for them.
 */
export async function* inBatches<In, Out>(
  inputs: readonly In[],
  { size, limit }: { readonly size: number; readonly limit: number },
  work: (batch: readonly In[]) => Promise<Out>,
): AsyncGenerator<Out> {
  const underWay: Promise<PromiseSettledResult<Out>>[] = [];
  let at = 0;
  try {
    for (;;) {
      for (; at < inputs.length && underWay.length < limit; at += size) {
        underWay.push(settled(work(inputs.slice(at, at + size))));
      }
      const first = await underWay.shift();
      if (first === undefined) return;
      if (first.status === 'rejected') throw first.reason;
      yield first.value;
    }
  } finally {
    await Promise.all(underWay);
  }
}

/** An outcome that may be looked at later: a failure that waits for its turn is not an unhandled one. */
async function settled<Out>(promise: Promise<Out>): Promise<PromiseSettledResult<Out>> {
  const [result] = await Promise.allSettled([promise]);
  return result;
}
