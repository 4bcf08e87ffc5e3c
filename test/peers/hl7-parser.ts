import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('parse-hl7.py', import.meta.url));

/** False when python3-hl7 is not installed. */
export const hasHl7Parser = existsSync('/usr/lib/python3/dist-packages/hl7');

/** One message as python3-hl7 read it, unescaped. */
export class ParsedMessage {
  private readonly segments: readonly (readonly [string, ...string[][][]])[];

  constructor(segments: readonly (readonly [string, ...string[][][]])[]) {
    this.segments = segments;
  }

  /** Names of the segments in order. */
  get order(): string[] {
    return this.segments.map(([name]) => name);
  }

  /** How many segments have this name. */
  count(name: string): number {
    return this.order.filter((other) => other === name).length;
  }

  /** All repetitions of a field, each as its components; `occurrence` counts segments of one name from 1. */
  repetitions(name: string, field: number, occurrence = 1): string[][] {
    const segment = this.segments.filter(([other]) => other === name)[occurrence - 1];
    const found = segment?.[field];
    return Array.isArray(found) ? (found as string[][]) : [];
  }

  /** A component (from 1) of a field's first repetition; empty when it is not there. */
  at(name: string, field: number, component = 1, occurrence = 1): string {
    return this.repetitions(name, field, occurrence)[0]?.[component - 1] ?? '';
  }

  /** A whole field with its components joined by `^`. */
  field(name: string, field: number, occurrence = 1): string {
    return (this.repetitions(name, field, occurrence)[0] ?? []).join('^');
  }
}

/** Messages taken apart by an independent parser. `encoding` is Python's name of the character set. */
export function parseHl7(messages: readonly Uint8Array[], encoding = 'utf-8'): ParsedMessage[] {
  const asked = messages.map((bytes) => ({ hex: Buffer.from(bytes).toString('hex'), encoding }));
  const answer = execFileSync('/usr/bin/python3', [SCRIPT], {
    input: JSON.stringify({ messages: asked }),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const parsed = JSON.parse(answer) as (readonly [string, ...string[][][]])[][];
  return parsed.map((segments) => new ParsedMessage(segments));
}
