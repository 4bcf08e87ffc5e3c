import { existsSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const PRODUCT_FOLDER = fileURLToPath(new URL('../..', import.meta.url));

/** A model folder as the config names it: as given, else in the product's own folder, where models ship. */
export function modelFolder(path: string): string {
  const given = resolve(path);
  if (isAbsolute(path) || existsSync(given)) return given;
  return join(PRODUCT_FOLDER, path);
}
