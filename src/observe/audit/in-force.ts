import type { Audit } from './audit.ts';

/** The audit trail that is in force; a reload replaces it. */
export interface AuditInForce extends Audit {
  /** What was recorded goes where it was to go; what comes from now on to the next. */
  replace(next: Audit): void;
}

export function auditInForce(initial: Audit): AuditInForce {
  let current = initial;
  let retired: Promise<unknown> = Promise.resolve();
  return {
    get on() {
      return current.on;
    },
    record: (make) => current.record(make),
    replace(next) {
      const old = current;
      current = next;
      retired = Promise.all([retired, old.stop()]);
    },
    async stop() {
      await Promise.all([retired, current.stop()]);
    },
  };
}
