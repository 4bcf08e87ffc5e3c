import { Kysely, sql } from 'kysely';
import { DeepHealthError } from '../errors/error.ts';
import { activity } from './activity.ts';
import { claims } from './claims.ts';
import { clockSteps } from './clock-steps.ts';
import { type LedgerContext, ledgerContext } from './context.ts';
import { postgresDialect } from './database/postgres.ts';
import { sqliteDialect } from './database/sqlite.ts';
import { deliveries } from './deliveries.ts';
import { feedback } from './feedback.ts';
import { films } from './films.ts';
import { listing } from './listing.ts';
import { looks } from './looks.ts';
import { migrate } from './migrate.ts';
import { outbox } from './outbox.ts';
import { polls } from './polls.ts';
import { readings } from './readings.ts';
import { redirection } from './redirect.ts';
import { retention } from './retention.ts';
import type { Tables } from './schema.ts';
import { studies } from './studies.ts';
import { triage } from './triage.ts';
import type { Instant, Ledger } from './types.ts';

export interface LedgerOptions {
  /** The time; `Date.now` unless a test steps it. */
  readonly now?: () => Instant;
  /** Connections to PostgreSQL at most; default 10. SQLite has one. */
  readonly connections?: number;
}

/**
 * Opens the ledger and brings its schema up to date. `where` is the path of a SQLite file (made with its folder
 * if it is not there) or a `postgres://` URL. Throws `ledger.url-invalid`, `ledger.unreachable`,
 * `ledger.access-denied`, `ledger.read-only`, `ledger.corrupt`, `ledger.schema-newer`.
 */
export async function openLedger(where: string, options: LedgerOptions = {}): Promise<Ledger> {
  const dialect = dialectOf(where);
  const db = new Kysely<Tables>({
    dialect:
      dialect === 'postgres' ? postgresDialect(where, options.connections ?? 10) : sqliteDialect(where),
  });
  const context = ledgerContext(db, dialect, options.now ?? Date.now);
  try {
    await migrate(context);
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return ledgerOver(context, () => db.destroy());
}

function dialectOf(where: string): LedgerContext['dialect'] {
  if (/^postgres(?:ql)?:\/\//.test(where)) return 'postgres';
  if (where === '' || /^[a-z][a-z0-9+.-]*:\/\//i.test(where)) throw new DeepHealthError('ledger.url-invalid');
  return 'sqlite';
}

function ledgerOver(context: LedgerContext, close: () => Promise<void>): Ledger {
  return {
    dialect: context.dialect,
    studies: { ...studies(context), ...listing(context), ...triage(context) },
    films: films(context),
    claims: claims(context),
    outbox: outbox(context),
    readings: readings(context),
    deliveries: { ...deliveries(context), ...redirection(context) },
    polls: polls(context),
    looks: looks(context),
    clockSteps: clockSteps(context),
    activity: activity(context),
    feedback: feedback(context),
    retention: retention(context),
    check: () =>
      context.read(async (db) => {
        await sql`select 1`.execute(db);
      }),
    close,
  };
}
