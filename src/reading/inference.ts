import type { FilmReading, FilmToRead, Model } from '../ai/classify.ts';

/** Gives films to the network in batches that form by themselves. */
export interface Inference {
  /** Reads one film; it may share a pass of the network with films of other studies. */
  read(film: FilmToRead, model: Model): Promise<FilmReading>;
}

interface Waiting {
  readonly film: FilmToRead;
  readonly model: Model;
  readonly resolve: (reading: FilmReading) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * As many passes are begun as the model has lanes, and one more, which is prepared while they are computed. The
 * films that become ready meanwhile wait, and the next pass takes them together. Nobody waits for a batch to
 * fill: an only film is read at once.
 *
 * @param batch the most films of a pass
 */
export function createInference(batch: () => number): Inference {
  const waiting: Waiting[] = [];
  let begun = 0;

  async function pass(films: readonly Waiting[], model: Model): Promise<void> {
    try {
      const readings = await model.read(films.map(({ film }) => film));
      films.forEach(({ resolve, reject }, index) => {
        const reading = readings[index];
        if (reading === undefined) reject(new Error('the model gave fewer readings than films'));
        else resolve(reading);
      });
    } catch (error) {
      // One film must not take the others of its batch down with it: each gets a pass of its own.
      if (films.length > 1) for (const each of films) await pass([each], model);
      else films[0]?.reject(error);
    }
  }

  function begin(): void {
    for (;;) {
      const first = waiting[0];
      if (first === undefined || begun > first.model.lanes) return;
      let count = 1;
      while (count < batch() && waiting[count]?.model === first.model) count += 1;
      begun += 1;
      void pass(waiting.splice(0, count), first.model).finally(() => {
        begun -= 1;
        begin();
      });
    }
  }

  return {
    read(film, model) {
      return new Promise((resolve, reject) => {
        waiting.push({ film, model, resolve, reject });
        queueMicrotask(begin);
      });
    },
  };
}
