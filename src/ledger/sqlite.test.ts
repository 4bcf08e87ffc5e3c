import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { crashContract } from '../../test/contracts/crashes.ts';
import { ledgerContract } from '../../test/contracts/ledger.ts';
import { received } from '../../test/contracts/studies.ts';
import { openLedger } from './ledger.ts';
import { lookAtLedger } from './look.ts';
import type { Ledger } from './types.ts';

const folder = mkdtempSync(join(tmpdir(), 'dh-ledger-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const paths = new Map<Ledger, string>();

ledgerContract('SQLite', async (clock, beside) => {
  const path = (beside && paths.get(beside)) ?? join(folder, `${paths.size}`, 'ledger.sqlite');
  const ledger = await openLedger(path, { now: clock.now });
  paths.set(ledger, path);
  return ledger;
});

let fresh = 0;
crashContract('SQLite', async () => {
  fresh += 1;
  return join(folder, `crash-${fresh}`, 'ledger.sqlite');
});

test('a file that is no ledger, or one of a newer version, is refused with its code', async () => {
  const text = join(folder, 'text.sqlite');
  writeFileSync(text, 'this is not a database '.repeat(100));
  await assert.rejects(openLedger(text), { code: 'ledger.corrupt' });
  const newer = join(folder, 'newer.sqlite');
  await (await openLedger(newer)).close();
  const database = new DatabaseSync(newer);
  // What a later version has made of the tables, nobody knows here.
  database.exec(
    "insert into schema_migrations values (999, 'future', 0); drop table delivery_waits; drop table deliveries",
  );
  database.close();
  await assert.rejects(openLedger(newer), { code: 'ledger.schema-newer' });
  await assert.rejects(lookAtLedger(newer), { code: 'ledger.schema-newer' });
  await assert.rejects(openLedger('mysql://host/db'), { code: 'ledger.url-invalid' });
});

test('the file can be read by its owner only', async () => {
  const path = join(folder, 'private.sqlite');
  const ledger = await openLedger(path);
  assert.equal(statSync(path).mode & 0o077, 0);
  await ledger.close();
});

test('a ledger that another process keeps locked is busy, and works when it is let go', async () => {
  const path = join(folder, 'locked.sqlite');
  const ledger = await openLedger(path);
  const other = new DatabaseSync(path);
  other.exec('begin immediate');
  await assert.rejects(ledger.studies.notice(received(1)), { code: 'ledger.busy' });
  assert.equal((await ledger.studies.countByState()).settling, 0, 'reading goes on meanwhile');
  other.exec('rollback');
  other.close();
  assert.equal((await ledger.studies.notice(received(1))).kind, 'new');
  await ledger.close();
});
