import type { Model } from '../ai/classify.ts';

/** The model that reads now; a reload replaces it without disturbing what is being read. */
export interface ModelInForce {
  /** Works with the present model, which stays open until the work has ended, whatever replaces it. */
  use<Result>(work: (model: Model) => Promise<Result>): Promise<Result>;
  readonly current: Model;
  replace(model: Model): void;
  /** Resolves when every model is closed. */
  close(): Promise<void>;
}

interface Held {
  readonly model: Model;
  users: number;
}

/** One study is read and reported by one model, from its first film to its last sentence. */
export function modelInForce(initial: Model): ModelInForce {
  let held: Held = { model: initial, users: 0 };
  let retired: Promise<void> = Promise.resolve();
  const waiting = new Map<Held, () => void>();

  function retire(old: Held): void {
    const unused =
      old.users === 0 ? Promise.resolve() : new Promise<void>((resolve) => waiting.set(old, resolve));
    retired = Promise.all([retired, unused.then(() => old.model.close())]).then(() => {});
  }

  return {
    get current() {
      return held.model;
    },
    async use(work) {
      const mine = held;
      mine.users += 1;
      try {
        return await work(mine.model);
      } finally {
        mine.users -= 1;
        if (mine.users === 0) waiting.get(mine)?.();
      }
    },
    replace(model) {
      const old = held;
      held = { model, users: 0 };
      retire(old);
    },
    async close() {
      retire(held);
      await retired;
    },
  };
}
