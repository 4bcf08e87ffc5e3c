import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const JING = '/usr/bin/jing';
const SCHEMA = fileURLToPath(new URL('../fixtures/audit-message.rnc', import.meta.url));

export function jingInstalled(): boolean {
  return existsSync(JING);
}

/** What a RELAX NG validator finds wrong in audit messages; empty when each is valid. */
export async function auditSchemaErrors(messages: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'audit-schema-'));
  try {
    const files = messages.map((_message, index) => join(folder, `${index}.xml`));
    for (const [index, file] of files.entries()) await writeFile(file, messages[index] ?? '');
    const { status, stdout, stderr } = spawnSync(JING, ['-c', SCHEMA, ...files], { encoding: 'utf8' });
    return status === 0 ? '' : `${stdout}${stderr}`;
  } finally {
    await rm(folder, { recursive: true });
  }
}
