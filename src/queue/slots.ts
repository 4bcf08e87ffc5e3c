/** A bounded number of tasks at the same time. */
export interface Slots {
  hasFree(): boolean;
  /** Resolves when one more task can begin. */
  free(): Promise<void>;
  /** Begins a task at once; it must not reject. */
  run(task: () => Promise<void>): void;
  /** Resolves when no task is left. */
  idle(): Promise<void>;
}

export function slots(concurrency: number): Slots {
  const tasks = new Set<Promise<void>>();
  return {
    hasFree: () => tasks.size < concurrency,
    async free() {
      while (tasks.size >= concurrency) await Promise.race(tasks);
    },
    run(task) {
      const running = task().finally(() => tasks.delete(running));
      tasks.add(running);
    },
    async idle() {
      while (tasks.size > 0) await Promise.all(tasks);
    },
  };
}
