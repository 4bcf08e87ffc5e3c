import { after, before, test } from 'node:test';
import { ledgerContract } from '../../test/contracts/ledger.ts';
import { type PostgresPeer, postgresIsInstalled, startPostgres } from '../../test/peers/postgres.ts';
import { openLedger } from './ledger.ts';
import type { Ledger } from './types.ts';

if (!postgresIsInstalled()) {
  test('PostgreSQL', (t) => t.skip('PostgreSQL is not installed'));
} else {
  let server: PostgresPeer;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server.remove());

  const urls = new Map<Ledger, string>();

  ledgerContract('PostgreSQL', async (clock, beside) => {
    const url = (beside && urls.get(beside)) ?? (await server.database());
    const ledger = await openLedger(url, { now: clock.now });
    urls.set(ledger, url);
    return ledger;
  });
}
