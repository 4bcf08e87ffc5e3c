/** Exit codes of every command. */
export const EXIT = {
  done: 0,
  failed: 1,
  /** Wrong usage or config. */
  usage: 2,
  /** Some inputs could not be read; the rest were. */
  partly: 3,
} as const;
