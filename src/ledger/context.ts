import type { Kysely, Transaction } from 'kysely';
import { ledgerFailure } from './database/failures.ts';
import { UNSYNCED } from './database/sqlite.ts';
import type { Tables } from './schema.ts';
import type { Instant } from './types.ts';

export type Db = Kysely<Tables>;
export type Trx = Transaction<Tables>;

/** When a transaction survives a power cut: when it has ended, or some time later. */
export type Durable = 'at once' | 'soon';

/** What every part of the ledger works with. */
export interface LedgerContext {
  readonly dialect: 'sqlite' | 'postgres';
  now(): Instant;
  /** One query or more that change nothing. */
  read<Result>(work: (db: Db) => Promise<Result>): Promise<Result>;
  /**
   * One transaction that excludes other writers of the same rows. It is begun again, up to three times, when
   * the database broke it off in favour of another (deadlock, serialization, locked file), so `work` must have
   * no effect outside of the database.
   *
   * @param durable `soon`: nobody is told anything that a power cut must not undo, so SQLite need not wait for the disk;
   * it is on disk with the next transaction that is (docs/decisions/0133). PostgreSQL always waits.
   */
  write<Result>(work: (trx: Trx) => Promise<Result>, durable?: Durable): Promise<Result>;
}

const TRIES = 4;

export function ledgerContext(db: Db, dialect: LedgerContext['dialect'], now: () => Instant): LedgerContext {
  async function read<Result>(work: (db: Db) => Promise<Result>): Promise<Result> {
    try {
      return await work(db);
    } catch (error) {
      throw ledgerFailure(error, 'query');
    }
  }

  async function once<Result>(work: (trx: Trx) => Promise<Result>, durable: Durable): Promise<Result> {
    let phase: 'query' | 'commit' = 'query';
    let transaction: Awaited<ReturnType<ReturnType<Db['startTransaction']>['execute']>> | undefined;
    try {
      const start = db.startTransaction();
      transaction = await (dialect === 'sqlite' && durable === 'soon'
        ? start.setIsolationLevel(UNSYNCED)
        : start
      ).execute();
      const result = await work(transaction);
      phase = 'commit';
      await transaction.commit().execute();
      return result;
    } catch (error) {
      // The first error tells what happened; a rollback over a dead connection can only repeat it.
      await transaction
        ?.rollback()
        .execute()
        .catch(() => undefined);
      throw ledgerFailure(error, phase);
    }
  }

  async function write<Result>(
    work: (trx: Trx) => Promise<Result>,
    durable: Durable = 'at once',
  ): Promise<Result> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await once(work, durable);
      } catch (error) {
        if (attempt === TRIES || !isBusy(error)) throw error;
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 40 * attempt));
      }
    }
  }

  return { dialect, now, read, write };
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ledger.busy';
}
