import { access } from 'node:fs/promises';

/** Whether something stands under this path, of whatever kind. */
export async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
