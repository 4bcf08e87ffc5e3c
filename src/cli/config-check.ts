import type { Problem } from '../config/interpolate.ts';
import { loadConfig } from '../config/load.ts';
import type { ProbeOutcome } from '../config/probe/probe.ts';
import type { CheckOptions } from './config.ts';
import { EXIT } from './exit.ts';

/**
 * `config check`: problems (exit code 2), advice, and with `probe` what came of trying everything that the
 * configuration names (exit code 1 where something failed).
 */
export async function checkConfig(file: string | null, options: CheckOptions): Promise<void> {
  const say = options.json === true ? sayJson : sayText;
  const loaded = loadConfig(file);
  if (loaded.kind === 'invalid') {
    for (const problem of loaded.problems) say({ severity: 'problem', ...problem });
    process.exitCode = EXIT.usage;
    return;
  }
  for (const problem of loaded.advice) say({ severity: 'advice', ...problem });
  const name = loaded.file ?? 'the defaults';
  if (options.probe !== true) {
    process.stderr.write(`${name}: no problems\n`);
    return;
  }
  const { probeConfig } = await import('../config/probe/probe.ts');
  const outcomes = await probeConfig(loaded.config);
  for (const outcome of outcomes) say(outcome);
  const failed = outcomes.filter(({ outcome }) => outcome === 'failed').length;
  const count = `${outcomes.length} probes, ${failed} failed`;
  process.stderr.write(`${name}: no problems; ${count}\n`);
  // Connections that a silent peer keeps open must not keep the command from ending.
  process.exitCode = failed > 0 ? EXIT.failed : EXIT.done;
  setTimeout(() => process.exit(), 1000).unref();
}

type Said = (Problem & { readonly severity: 'problem' | 'advice' }) | ProbeOutcome;

function sayJson(said: Said): void {
  if ('probe' in said) {
    process.stdout.write(`${JSON.stringify(said)}\n`);
    return;
  }
  const { severity, path, value, message, remedy } = said;
  process.stdout.write(`${JSON.stringify({ severity, path, value: value ?? null, message, remedy })}\n`);
}

function sayText(said: Said): void {
  if ('probe' in said) {
    const { probe, outcome, code, message, remedy, ms } = said;
    const line =
      outcome === 'ok' ? `ok      ${probe}: ${message} (${ms} ms)` : `FAILED  ${probe}: ${code}: ${message}`;
    process.stderr.write(remedy === null ? `${line}\n` : `${line}\n            ${remedy}\n`);
    return;
  }
  const { severity, path, value, message, remedy } = said;
  const shown = value === undefined ? '' : ` = ${value}`;
  const lead = severity === 'advice' ? 'advice: ' : '';
  process.stderr.write(`${lead}${path === '' ? 'file' : path}${shown}\n    ${message} ${remedy}\n`);
}
