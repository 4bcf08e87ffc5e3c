import { DeepHealthError, type ErrorCode } from '../../errors/error.ts';

/** SQLite's primary result codes (sqlite.org/rescode.html). */
const SQLITE_CODES: Readonly<Record<number, ErrorCode>> = {
  5: 'ledger.busy', // SQLITE_BUSY
  6: 'ledger.busy', // SQLITE_LOCKED
  8: 'ledger.read-only', // SQLITE_READONLY
  10: 'ledger.unreachable', // SQLITE_IOERR
  11: 'ledger.corrupt', // SQLITE_CORRUPT
  13: 'ledger.full', // SQLITE_FULL
  14: 'ledger.read-only', // SQLITE_CANTOPEN
  26: 'ledger.corrupt', // SQLITE_NOTADB
};

/** SQLSTATE, the longest prefix that matches (PostgreSQL documentation, appendix A). */
const SQLSTATES: Readonly<Record<string, ErrorCode>> = {
  '08': 'ledger.unreachable', // connection exception
  '25006': 'ledger.unreachable', // read-only: this server is a standby after a failover
  '28': 'ledger.access-denied', // invalid authorization
  '3D000': 'ledger.access-denied', // no such database
  '40': 'ledger.busy', // serialization failure, deadlock
  '42501': 'ledger.access-denied', // insufficient privilege
  '53': 'ledger.unreachable', // insufficient resources, too many connections
  '53100': 'ledger.full', // disk full
  '55P03': 'ledger.busy', // lock not available
  '57': 'ledger.unreachable', // shutdown, cannot connect now
  '57014': 'ledger.busy', // statement timeout
  '58': 'ledger.unreachable', // system error
};

/**
 * Sorts an error of the database into one of ours. `phase` tells whether the commit had been asked for: then
 * a lost connection leaves open whether it was done. Errors of ours and faults of the program pass unchanged.
 */
export function ledgerFailure(error: unknown, phase: 'query' | 'commit'): unknown {
  if (error instanceof DeepHealthError || error instanceof TypeError || error instanceof RangeError) {
    return error;
  }
  const code = sqliteCode(error) ?? sqlStateCode(error) ?? 'ledger.unreachable';
  if (phase === 'commit' && code === 'ledger.unreachable') {
    return new DeepHealthError('ledger.commit-unknown', undefined, { cause: error });
  }
  return new DeepHealthError(code, undefined, { cause: error });
}

function sqliteCode(error: unknown): ErrorCode | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') {
    return undefined;
  }
  return SQLITE_CODES[error.errcode & 0xff] ?? 'ledger.refused';
}

/** PostgreSQL's answer; an error without a SQLSTATE is one of the network or the driver: no answer. */
function sqlStateCode(error: unknown): ErrorCode | undefined {
  if (!isDatabaseAnswer(error)) return undefined;
  return SQLSTATES[error.code] ?? SQLSTATES[error.code.slice(0, 2)] ?? 'ledger.refused';
}

/** Whether PostgreSQL itself said it, so that the connection is still in order. */
export function isDatabaseAnswer(error: unknown): error is Error & { code: string } {
  return (
    error instanceof Error &&
    'severity' in error &&
    'code' in error &&
    typeof error.code === 'string' &&
    /^[0-9A-Z]{5}$/.test(error.code)
  );
}
