/** Writes config/deep-health.schema.json from the schema; with --check it fails when the file is not current. */
import { readFileSync, writeFileSync } from 'node:fs';
import { configJsonSchema } from '../src/config/json-schema.ts';

const FILE = 'config/deep-health.schema.json';
const current = `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
if (process.argv.includes('--check')) {
  if (readFileSync(FILE, 'utf8') !== current) {
    process.stderr.write(`${FILE} is not current: run "npm run config-schema"\n`);
    process.exitCode = 1;
  }
} else {
  writeFileSync(FILE, current);
}
