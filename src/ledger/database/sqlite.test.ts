import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Kysely, sql } from 'kysely';
import { sqliteDialect, UNSYNCED } from './sqlite.ts';

test('commits are synced unless their transaction says otherwise, whatever came before', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'dh-sqlite-'));
  const db = new Kysely<unknown>({ dialect: sqliteDialect(join(folder, 'ledger.sqlite')) });
  t.after(async () => {
    await db.destroy();
    await rm(folder, { recursive: true });
  });
  const synchronous = async (unsynced: boolean) => {
    const start = db.startTransaction();
    const trx = await (unsynced ? start.setIsolationLevel(UNSYNCED) : start).execute();
    const { rows } = await sql<{ synchronous: number }>`pragma synchronous`.execute(trx);
    await trx.commit().execute();
    return rows[0]?.synchronous;
  };
  const [NORMAL, FULL] = [1, 2];
  assert.equal(await synchronous(false), FULL);
  assert.equal(await synchronous(true), NORMAL);
  assert.equal(await synchronous(true), NORMAL);
  assert.equal(await synchronous(false), FULL);
  const [soon, atOnce] = await Promise.all([synchronous(true), synchronous(false)]);
  assert.deepEqual([soon, atOnce], [NORMAL, FULL]);
  await synchronous(true);
  // What runs outside of a transaction is one by itself.
  const { rows } = await sql<{ synchronous: number }>`pragma synchronous`.execute(db);
  assert.equal(rows[0]?.synchronous, FULL);
});
