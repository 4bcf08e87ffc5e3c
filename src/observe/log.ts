import pino from 'pino';
import pretty from 'pino-pretty';
import { DeepHealthError } from '../errors/error.ts';

export type Log = pino.Logger;

export interface LogSettings {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  readonly pretty: 'auto' | 'always' | 'never';
}

/**
 * The operational log, JSON lines on stderr (coloured text on a terminal). What goes into it is chosen where
 * it is written: hashed study keys, codes, counts and times, never UIDs or anything of a patient
 * (standards 6.4).
 */
export function createLog(settings: LogSettings, bindings: Record<string, string>): Log {
  const shownPretty =
    settings.pretty === 'always' || (settings.pretty === 'auto' && process.stderr.isTTY === true);
  // Synchronous: the last lines before a crash are the ones that matter.
  const stream = shownPretty
    ? pretty({ destination: 2, sync: true, ignore: 'pid,hostname,version,role' })
    : pino.destination({ dest: 2, sync: true });
  return pino(
    { level: settings.level, base: { ...bindings }, timestamp: pino.stdTimeFunctions.isoTime },
    stream,
  );
}

/** What may be logged of a failure. */
export interface LoggedFailure {
  readonly code: string;
  readonly message: string;
  /** Where an unknown error came from: file and line only, its own words may quote what it parsed. */
  readonly at?: readonly string[];
  readonly cause?: string;
}

/**
 * A failure as the log may hold it. Our own errors have sentences without patient data; the message of any
 * other may quote a name or a UID, so only its kind, system code and place are kept.
 */
export function loggedFailure(error: unknown): LoggedFailure {
  if (error instanceof DeepHealthError) {
    const cause = error.cause === undefined ? undefined : foreign(error.cause);
    return { code: error.code, message: error.message, ...(cause === undefined ? {} : { cause }) };
  }
  const at = error instanceof Error ? placesOf(error) : [];
  return { code: 'internal.unexpected', message: `An unknown failure (${foreign(error)}).`, at };
}

function foreign(error: unknown): string {
  if (error instanceof DeepHealthError) return error.code;
  if (!(error instanceof Error)) return typeof error;
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' ? `${error.name} ${code}` : error.name;
}

function placesOf(error: Error): string[] {
  return (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 6)
    .map((line) => line.trim());
}
