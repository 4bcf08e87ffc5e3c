/** Keys whose values are secret. */
export const SECRET_KEYS: readonly string[] = ['password', 'token', 'clientSecret', 'passphrase'];
const MASK = '********';

/** Whether the values of a key of this name are secret. */
export function isSecretKey(key: string): boolean {
  return SECRET_KEYS.includes(key);
}

/**
 * Hides the password of a URL such as `amqp://user:password@host/`, also one that holds signs which ought to be
 * escaped, and a password among its parameters.
 */
function maskUrl(value: string): string {
  return value
    .replace(/^([a-z][a-z0-9+.-]*:\/\/[^/:@\s]*):.*@/is, `$1:${MASK}@`)
    .replace(/([?&](?:password|sslpassword)=)[^&#]*/gi, `$1${MASK}`);
}

/** Whether a text is a URL with a password in it. */
export function holdsPassword(value: string): boolean {
  return maskUrl(value) !== value;
}

/**
 * A copy of a config (or of a part of it) that may be shown: values of keys that hold secrets, and passwords
 * inside URLs, are masked. `also` are paths whose values are to be masked whatever they are called; `path` is
 * where `value` stands.
 */
export function masked(value: unknown, path = '', also: ReadonlySet<string> = new Set()): unknown {
  const key = path.slice(path.lastIndexOf('.') + 1);
  if ((isSecretKey(key) || also.has(path)) && value !== undefined && value !== null) return MASK;
  if (typeof value === 'string') return maskUrl(value);
  const below = (name: string | number) => (path === '' ? String(name) : `${path}.${name}`);
  if (Array.isArray(value)) return value.map((entry, index) => masked(entry, below(index), also));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, entry]) => [name, masked(entry, below(name), also)]),
    );
  }
  return value;
}
