/**
 * How a failure is met again:
 * `transient`: nothing was done, the same attempt may succeed later;
 * `ambiguous`: it was sent and no answer came, so the same bytes (and message id) are sent again;
 * `permanent`: another attempt gives the same answer, a person has to act.
 */
export type Retry = 'transient' | 'ambiguous' | 'permanent';

/** What the code table says about one error code; `docs/errors.md` is written from it. */
export interface ErrorKind {
  readonly retry: Retry;
  /** At most so many attempts, then it is parked as if it were permanent; no limit of its own when absent. */
  readonly attempts?: number;
  /** What happened, one sentence. */
  readonly meaning: string;
  /** What an admin can do about it, one sentence. */
  readonly remedy: string;
}

/** Checks a table of codes at compile time and keeps its literal keys. */
export function errorTable<const Codes extends string>(
  table: Readonly<Record<Codes, ErrorKind>>,
): Readonly<Record<Codes, ErrorKind>> {
  return table;
}
