/** The words in which the two databases differ. */
export interface ColumnTypes {
  /** A key that counts up. */
  readonly id: string;
  readonly integer: string;
  readonly text: string;
  /** Text that is compared byte by byte (UIDs). */
  readonly uid: string;
  readonly blob: string;
  /** What follows the closing bracket of a table. */
  readonly table: string;
}

export interface Migration {
  /** 1, 2, 3 ...; never renumbered, never changed once released. */
  readonly number: number;
  readonly name: string;
  statements(types: ColumnTypes): readonly string[];
}

export const SQLITE_TYPES: ColumnTypes = {
  id: 'integer primary key autoincrement',
  integer: 'integer',
  text: 'text',
  uid: 'text',
  blob: 'blob',
  table: 'strict',
};

export const POSTGRES_TYPES: ColumnTypes = {
  id: 'bigint generated always as identity primary key',
  integer: 'bigint',
  text: 'text',
  uid: 'text collate "C"',
  blob: 'bytea',
  table: '',
};
