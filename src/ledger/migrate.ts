import { sql } from 'kysely';
import { DeepHealthError } from '../errors/error.ts';
import type { LedgerContext } from './context.ts';
import { MIGRATIONS } from './migrations/list.ts';
import { POSTGRES_TYPES, SQLITE_TYPES } from './migrations/migration.ts';

/** Any number that no other program takes as an advisory lock in this database: 'DeepHlth' in ASCII. */
const LOCK = 0x44656570486c7468n;

const TRIES = 3;

/**
 * Brings the database to the newest schema, all or nothing. Two processes that start together wait for one
 * another: SQLite's write lock, PostgreSQL's advisory lock. Where the connection broke while it was being
 * committed, a second look tells what came of it. Throws `ledger.schema-newer`.
 */
export async function migrate(context: LedgerContext): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await migrateOnce(context);
      return;
    } catch (error) {
      const open = error instanceof DeepHealthError && error.code === 'ledger.commit-unknown';
      if (!open || attempt === TRIES) throw error;
    }
  }
}

async function migrateOnce(context: LedgerContext): Promise<void> {
  const types = context.dialect === 'postgres' ? POSTGRES_TYPES : SQLITE_TYPES;
  await context.write(async (db) => {
    if (context.dialect === 'postgres') await sql`select pg_advisory_xact_lock(${LOCK})`.execute(db);
    await sql`create table if not exists schema_migrations (
      number ${sql.raw(types.integer)} primary key,
      name ${sql.raw(types.text)} not null,
      applied_at ${sql.raw(types.integer)} not null
    ) ${sql.raw(types.table)}`.execute(db);
    const rows = await db.selectFrom('schema_migrations').select('number').execute();
    const applied = new Set(rows.map((row) => row.number));
    const newest = MIGRATIONS.length;
    if (rows.some((row) => row.number > newest)) throw new DeepHealthError('ledger.schema-newer');
    for (const migration of MIGRATIONS) {
      if (applied.has(migration.number)) continue;
      for (const statement of migration.statements(types)) await sql.raw(statement).execute(db);
      await db
        .insertInto('schema_migrations')
        .values({ number: migration.number, name: migration.name, applied_at: context.now() })
        .execute();
    }
  });
}
