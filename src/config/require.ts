import { DeepHealthError } from '../errors/error.ts';
import { type LoadedConfig, loadConfig } from './load.ts';
import type { Config } from './schema.ts';

/**
 * The configuration, or one error that lists everything that is wrong with it.
 *
 * @throws DeepHealthError `config.invalid`
 */
export function requireConfig(file: string | null): Config {
  return requireValid(file).config;
}

/** The same with what is to be said about it. Throws `config.invalid`. */
export function requireValid(file: string | null): Extract<LoadedConfig, { kind: 'valid' }> {
  const loaded = loadConfig(file);
  if (loaded.kind === 'valid') return loaded;
  const lines = loaded.problems.map(({ path, value, message, remedy }) => {
    const shown = value === undefined ? '' : ` = ${value}`;
    return `  ${path === '' ? 'file' : path}${shown}: ${message} ${remedy}`;
  });
  throw new DeepHealthError('config.invalid', `${file ?? 'the defaults'}:\n${lines.join('\n')}`);
}
