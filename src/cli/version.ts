import { readFileSync } from 'node:fs';

/** The product's version, from its package.json. */
export function productVersion(): string {
  const path = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}
