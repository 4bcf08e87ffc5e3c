import { DatabaseSync } from 'node:sqlite';

/** Tables of which every copied study has one row; results' bytes and the rest would only be more disk. */
const TABLES = ['studies', 'instances', 'deliveries', 'events'] as const;
/** Copies are older than the study they are made from, so that the list has an order. */
const TIMES = ['noticed_at', 'changed_at', 'last_instance_at', 'seen_at', 'created_at', 'ended_at', 'at'];

/**
 * Fills a SQLite ledger with studies that ended, as copies of one that is in it.
 *
 * @param file of a ledger that is closed
 * @param count studies to add
 */
export function fillLedger(file: string, template: string, count: number): void {
  const database = new DatabaseSync(file);
  try {
    database.exec('pragma synchronous = off; pragma foreign_keys = off');
    database.exec('begin');
    for (const table of TABLES) {
      const columns = database.prepare(`select name, pk from pragma_table_info('${table}')`).all() as {
        name: string;
        pk: number;
      }[];
      const named = columns.filter(({ name, pk }) => !(name === 'id' && pk === 1));
      const values = named.map(({ name }) => {
        if (name === 'study_uid') return `t.study_uid || '.9.' || n.value`;
        // No object has it: an object goes to a destination once.
        if (name === 'object_id') return '-n.value';
        return TIMES.includes(name) ? `t.${name} - n.value * 10` : `t.${name}`;
      });
      database.exec(
        `with recursive n(value) as (select 1 union all select value + 1 from n where value < ${count}),
           t as (select * from ${table} where study_uid = '${template}' limit 1)
         insert into ${table} (${named.map(({ name }) => name).join(', ')})
         select ${values.join(', ')} from n, t`,
      );
    }
    database.exec('commit');
    database.exec('analyze');
  } finally {
    database.close();
  }
}
