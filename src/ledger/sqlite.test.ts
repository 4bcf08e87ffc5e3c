import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { ledgerContract } from '../../test/contracts/ledger.ts';
import { openLedger } from './ledger.ts';
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
