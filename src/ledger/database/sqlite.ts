import { closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { makeFolder } from '../../files/make-folder.ts';

/** Prepared statements kept; the ledger has about a hundred. */
const STATEMENTS = 300;

/** How long one call waits for another process before it says `ledger.busy`, in milliseconds. */
const BUSY_TIMEOUT = 1000;

/**
 * SQLite has no levels of isolation, and Kysely tells a driver nothing else about a transaction: this one says that its
 * commit need not wait for the disk.
 */
export const UNSYNCED = 'read uncommitted';

/**
 * Kysely over Node's own SQLite: one connection, WAL, commits synced to the disk unless they say otherwise. Kysely brings a SQLite
 * dialect for better-sqlite3, but that begins transactions without the write lock, and a reader that turns
 * writer fails at once when another process wrote meanwhile; here each transaction begins as a writer.
 */
export function sqliteDialect(path: string): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => sqliteDriver(path),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

async function openFile(path: string): Promise<DatabaseSync> {
  await makeFolder(dirname(path));
  // Made by us so that nobody else may read it.
  closeSync(openSync(path, 'a', 0o600));
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT, enableForeignKeyConstraints: true });
  try {
    database.exec(
      'pragma journal_mode = wal; pragma synchronous = full; pragma journal_size_limit = 67108864',
    );
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

function sqliteDriver(path: string): Driver {
  let database: DatabaseSync | undefined;
  let connection: DatabaseConnection | undefined;
  let synchronous: 'full' | 'normal' = 'full';
  /** In WAL mode both keep the file sound. It cannot be changed within a transaction. */
  const sync = (wanted: typeof synchronous) => {
    if (wanted !== synchronous) database?.exec(`pragma synchronous = ${wanted}`);
    synchronous = wanted;
  };
  // The one connection belongs to one transaction at a time.
  let free: Promise<void> = Promise.resolve();
  let release: () => void = () => undefined;

  return {
    async init() {
      database = await openFile(path);
      connection = sqliteConnection(database);
    },
    async acquireConnection() {
      const before = free;
      const turn = Promise.withResolvers<void>();
      free = turn.promise;
      await before;
      release = turn.resolve;
      if (connection === undefined) {
        release();
        throw new Error('the SQLite file is not open');
      }
      return connection;
    },
    async releaseConnection() {
      if (database?.isTransaction === false) sync('full');
      release();
    },
    async beginTransaction(on, { isolationLevel }) {
      sync(isolationLevel === UNSYNCED ? 'normal' : 'full');
      await on.executeQuery(CompiledQuery.raw('begin immediate'));
    },
    async commitTransaction(on) {
      await on.executeQuery(CompiledQuery.raw('commit'));
    },
    async rollbackTransaction(on) {
      // A full disk has rolled back by itself.
      if (database?.isTransaction === true) await on.executeQuery(CompiledQuery.raw('rollback'));
    },
    async destroy() {
      await free;
      connection = undefined;
      database?.close();
      database = undefined;
    },
  };
}

function sqliteConnection(database: DatabaseSync): DatabaseConnection {
  const statements = new Map<string, { statement: StatementSync; reads: boolean }>();

  function prepared(sql: string) {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const statement = database.prepare(sql);
    const entry = { statement, reads: statement.columns().length > 0 };
    const [oldest] = statements.keys();
    if (statements.size >= STATEMENTS && oldest !== undefined) statements.delete(oldest);
    statements.set(sql, entry);
    return entry;
  }

  return {
    async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
      const { statement, reads } = prepared(query.sql);
      const parameters = query.parameters as SQLInputValue[];
      if (reads) {
        const rows = statement.all(...parameters) as Row[];
        // Of `update ... returning` every row was changed.
        return { rows, numAffectedRows: BigInt(rows.length) };
      }
      const { changes } = statement.run(...parameters);
      return { rows: [], numAffectedRows: BigInt(changes) };
    },
    // biome-ignore lint/correctness/useYield: the ledger reads in pages, nothing is streamed
    async *streamQuery() {
      throw new Error('queries are not streamed');
    },
  };
}
