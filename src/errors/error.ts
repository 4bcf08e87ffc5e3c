import { AI_ERRORS } from './ai.ts';
import { FILM_ERRORS } from './film.ts';
import { HL7_ERRORS } from './hl7.ts';
import type { ErrorKind, Retry } from './kinds.ts';
import { REPORT_ERRORS } from './report.ts';
import { SERVICE_ERRORS } from './service.ts';
import { STORE_ERRORS } from './store.ts';
import { USAGE_ERRORS } from './usage.ts';
import { WEB_ERRORS } from './web.ts';

/** Every error code of the product with what it means; one table an area, merged here. */
export const ERROR_KINDS = {
  ...FILM_ERRORS,
  ...AI_ERRORS,
  ...REPORT_ERRORS,
  ...WEB_ERRORS,
  ...HL7_ERRORS,
  ...STORE_ERRORS,
  ...SERVICE_ERRORS,
  ...USAGE_ERRORS,
} as const;

export type ErrorCode = keyof typeof ERROR_KINDS;

/**
 * The one error that crosses module borders. `code` is given where the failure is known, `message` is a
 * sentence that an admin can act on and holds no patient data (no names, ids, UIDs, dates or file content).
 */
export class DeepHealthError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message?: string, options?: { cause?: unknown }) {
    super(message ?? ERROR_KINDS[code].meaning, options);
    this.name = 'DeepHealthError';
    this.code = code;
  }

  /** How this failure is met again; decided by the code alone. */
  get retry(): Retry {
    const kind: ErrorKind = ERROR_KINDS[this.code];
    return kind.retry;
  }
}
