const SECRET_KEYS = new Set(['password', 'token', 'clientSecret', 'passphrase']);
const MASK = '********';

/** Hides the password of a URL such as `amqp://user:password@host/`. */
function maskUrl(value: string): string {
  return value.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/:@\s]*):[^@/\s]*@/i, `$1:${MASK}@`);
}

/**
 * A copy of a config (or of a part of it) that may be shown: values of keys that hold secrets, and passwords
 * inside URLs, are masked.
 */
export function masked(value: unknown, key = ''): unknown {
  if (SECRET_KEYS.has(key) && value !== undefined && value !== null) return MASK;
  if (typeof value === 'string') return maskUrl(value);
  if (Array.isArray(value)) return value.map((entry) => masked(entry));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, masked(entry, name)]));
  }
  return value;
}
