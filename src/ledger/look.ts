import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { DeepHealthError } from '../errors/error.ts';
import { ledgerFailure } from './database/failures.ts';
import { MIGRATIONS } from './migrations/list.ts';

/** What stands where a ledger is to be. */
export type LedgerLook =
  /** Nothing yet: it is made at the first start. */
  | { readonly kind: 'new' }
  | {
      /** `older`: of an earlier version; the next start brings it up to date. */
      readonly kind: 'current' | 'older';
      /** Deliveries that are not done with, by destination. */
      readonly waiting: ReadonlyMap<string, number>;
    };

const WAITING = `select destination, count(*) as count from (
    select destination from deliveries where state = 'pending'
    union all
    select d.destination from deliveries d join studies s on s.study_uid = d.study_uid and s.run = d.run
      where d.state = 'parked') as waiting
  group by destination`;

/**
 * Looks at a ledger without changing anything: whether it answers, lets us in, can be written, and is not of a
 * later version. Throws as `openLedger` does.
 */
export async function lookAtLedger(where: string): Promise<LedgerLook> {
  try {
    return /^postgres(?:ql)?:\/\//.test(where) ? await lookAtPostgres(where) : await lookAtFile(where);
  } catch (error) {
    throw ledgerFailure(error, 'query');
  }
}

async function lookAtFile(path: string): Promise<LedgerLook> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    await firstFolder(dirname(resolve(path)));
    return { kind: 'new' };
  }
  await access(path, constants.R_OK | constants.W_OK).catch((cause: unknown) => {
    throw new DeepHealthError('ledger.read-only', undefined, { cause });
  });
  // Not read-only: a ledger in use has a write-ahead log that a reader has to open for writing.
  const database = new DatabaseSync(path, { timeout: 1000 });
  try {
    const [table] = database.prepare(`select name from sqlite_master where name = 'schema_migrations'`).all();
    if (table === undefined) return { kind: 'new' };
    const [row] = database.prepare('select max(number) as newest from schema_migrations').all();
    const kind = ageOf(Number(row?.newest ?? 0));
    return { kind, waiting: counted(database.prepare(WAITING).all()) };
  } finally {
    database.close();
  }
}

/** The nearest folder above that is there must be ours to write. */
async function firstFolder(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined && dirname(path) !== path) return firstFolder(dirname(path));
  await access(path, constants.W_OK).catch((cause: unknown) => {
    throw new DeepHealthError('ledger.read-only', undefined, { cause });
  });
}

async function lookAtPostgres(url: string): Promise<LedgerLook> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'deep-health',
    connectionTimeoutMillis: 5_000,
    query_timeout: 5_000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query(
      `select has_schema_privilege(current_schema(), 'CREATE') as creates,
         to_regclass('schema_migrations') is not null as there`,
    );
    if (rows[0]?.there !== true) {
      if (rows[0]?.creates === true) return { kind: 'new' };
      throw new DeepHealthError(
        'ledger.access-denied',
        'The user of the ledger URL may not create tables in this database.',
      );
    }
    const applied = await client.query('select max(number) as newest from schema_migrations');
    const kind = ageOf(Number(applied.rows[0]?.newest ?? 0));
    return { kind, waiting: counted((await client.query(WAITING)).rows) };
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Asked before anything else: what a later version made of the tables is not known. Throws `ledger.schema-newer`. */
function ageOf(newest: number): 'current' | 'older' {
  if (newest > MIGRATIONS.length) throw new DeepHealthError('ledger.schema-newer');
  return newest < MIGRATIONS.length ? 'older' : 'current';
}

function counted(
  rows: readonly { readonly destination?: unknown; readonly count?: unknown }[],
): ReadonlyMap<string, number> {
  return new Map(rows.map(({ destination, count }) => [String(destination), Number(count)]));
}
