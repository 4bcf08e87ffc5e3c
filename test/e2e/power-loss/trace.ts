import { dirname } from 'node:path';

/** What a program asked the kernel for, as `strace -f -yy` saw it, in the order of what counts (see below). */
export type Call =
  /** Bytes go to a file: from here on it is unsafe. */
  | { readonly kind: 'written'; readonly path: string }
  /** A name appears in a folder. */
  | { readonly kind: 'named'; readonly path: string; readonly from: string | undefined }
  /** The kernel says that a file or folder is on the disk. */
  | { readonly kind: 'synced'; readonly path: string }
  /** Bytes go to a socket. */
  | { readonly kind: 'said'; readonly text: string };

/** Calls that make something unsafe, or tell somebody, count from their beginning; those that make it safe from their end. */
const FROM_BEGINNING = /^(write|pwrite64|writev|pwritev2?|sendto|sendmsg)\(/;

/** Reads what strace wrote. */
export function readTrace(trace: string): Call[] {
  const calls: Call[] = [];
  const begun = new Map<string, string>();
  for (const line of trace.split('\n')) {
    const [, thread = '', call = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(call);
    const whole = resumed === null ? call : `${begun.get(thread) ?? ''}${resumed[1]}`;
    const unfinished = call.endsWith('<unfinished ...>');
    if (unfinished) begun.set(thread, call.replace(/\s*<unfinished \.\.\.>$/, ''));
    const early = FROM_BEGINNING.test(whole);
    // Seen at its beginning already, or not at its end yet.
    if (early ? resumed !== null : unfinished) continue;
    const read = readCall(whole);
    if (read !== undefined) calls.push(read);
  }
  return calls;
}

function readCall(call: string): Call | undefined {
  const [, name = '', target = ''] = /^(\w+)\((?:\d+<([^>]*)>)?/.exec(call) ?? [];
  if (/^(write|writev|pwrite64|pwritev2?|sendto|sendmsg)$/.test(name)) {
    if (target.startsWith('/')) return { kind: 'written', path: target };
    const text = /"((?:[^"\\]|\\.)*)"/.exec(call)?.[1] ?? '';
    return target.startsWith('TCP') ? { kind: 'said', text } : undefined;
  }
  if (!/= \d+/.test(call)) return undefined;
  if (name === 'fsync' || name === 'fdatasync') return { kind: 'synced', path: target };
  const names = [...call.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) => text);
  if (name.startsWith('rename')) return { kind: 'named', path: names[1] ?? '', from: names[0] };
  if (name.startsWith('mkdir') || (name === 'openat' && call.includes('O_CREAT'))) {
    return { kind: 'named', path: names[0] ?? '', from: undefined };
  }
  return undefined;
}

/**
 * What would be lost if the power failed at the moments when something is said: files with bytes, and folders
 * with names, that were not synced since.
 *
 * @param moment whether a text on a socket is a promise
 * @param matters whether a path has to be safe by then
 */
export function unsafeWhen(
  calls: readonly Call[],
  moment: (text: string) => boolean,
  matters: (path: string) => boolean,
): { readonly moments: number; readonly unsafe: readonly string[] } {
  const dirty = new Set<string>();
  const found = new Set<string>();
  let moments = 0;
  for (const call of calls) {
    switch (call.kind) {
      case 'written':
        dirty.add(call.path);
        break;
      case 'named':
        dirty.add(dirname(call.path));
        if (call.from !== undefined && dirty.delete(call.from)) dirty.add(call.path);
        break;
      case 'synced':
        dirty.delete(call.path);
        break;
      case 'said':
        if (!moment(call.text)) break;
        moments += 1;
        for (const path of dirty) if (matters(path)) found.add(path);
    }
  }
  return { moments, unsafe: [...found] };
}
