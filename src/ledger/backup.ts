import { rename, rm } from 'node:fs/promises';
import { backup, DatabaseSync } from 'node:sqlite';
import { DeepHealthError } from '../errors/error.ts';
import { ledgerFailure } from './database/failures.ts';

/**
 * Copies a SQLite ledger as it is at one moment, while the service goes on writing to it, and checks the copy.
 * The copy takes its name only when it is whole. Throws `ledger.*`.
 */
export async function backupLedger(from: string, to: string): Promise<void> {
  const partial = `${to}.partial`;
  await rm(partial, { force: true });
  try {
    const source = new DatabaseSync(from, { timeout: 10_000 });
    try {
      await backup(source, partial);
    } finally {
      source.close();
    }
    const copy = new DatabaseSync(partial);
    try {
      // One file, without a log beside it.
      copy.exec('pragma journal_mode = delete');
      const [row] = copy.prepare('pragma integrity_check').all();
      if (row?.integrity_check !== 'ok') throw new DeepHealthError('ledger.corrupt');
    } finally {
      copy.close();
    }
    await rename(partial, to);
  } catch (error) {
    await rm(partial, { force: true });
    throw ledgerFailure(error, 'query');
  }
}
