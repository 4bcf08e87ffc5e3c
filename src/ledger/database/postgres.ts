import { type Dialect, PostgresDialect, type PostgresPoolClient } from 'kysely';
import pg from 'pg';
import { isDatabaseAnswer } from './failures.ts';

/** PostgreSQL's type number of bigint: our times and keys, all of them below 2^53. */
const INT8 = 20;

/**
 * What the ledger is written for: whoever waited for a row sees what the other made of it. A database may have another
 * default, under which that is an error instead.
 */
const READ_COMMITTED = 'set session characteristics as transaction isolation level read committed';

/**
 * Kysely over a pool of PostgreSQL connections. Nothing waits without end: connecting 5 s, a lock 10 s, a
 * statement 30 s, a silent network 35 s; and a connection on which something went wrong is thrown away.
 */
export function postgresDialect(url: string, connections: number): Dialect {
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    application_name: 'deep-health',
    connectionTimeoutMillis: 5_000,
    lock_timeout: 10_000,
    statement_timeout: 30_000,
    query_timeout: 35_000,
    idle_in_transaction_session_timeout: 60_000,
    keepAlive: true,
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === INT8 && format !== 'binary' ? Number : pg.types.getTypeParser(oid, format),
    },
  });
  // A server that goes away tells every connection, used or not; the query in hand fails by itself, and an
  // event that nobody hears would end the process.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));

  const prepared = new WeakSet<pg.PoolClient>();
  async function connect(): Promise<pg.PoolClient> {
    const client = await pool.connect();
    if (prepared.has(client)) return client;
    try {
      await client.query(READ_COMMITTED);
    } catch (error) {
      client.release(true);
      throw error;
    }
    prepared.add(client);
    return client;
  }

  return new PostgresDialect({
    pool: {
      connect: async () => guarded(await connect()),
      end: () => pool.end(),
    },
  });
}

/** A pooled connection that goes back to the pool only if every failure on it was an answer of the server. */
function guarded(client: pg.PoolClient): PostgresPoolClient {
  let broken: unknown;
  async function query(sql: string, parameters: readonly unknown[]) {
    if (broken !== undefined) throw broken;
    try {
      return await client.query(sql, [...parameters]);
    } catch (error) {
      if (!isDatabaseAnswer(error)) broken = error;
      throw error;
    }
  }
  return {
    // The other form, with a cursor, is for streams, of which there are none.
    query: query as unknown as PostgresPoolClient['query'],
    // Kysely asks for the end of one whose transaction may still be open.
    release: (destroy = false) => client.release(destroy || broken !== undefined),
  };
}
