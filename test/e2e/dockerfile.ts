/** Dockerfile and .dockerignore, read as far as ours go (no ONBUILD, no heredocs, no --link). */
import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, matchesGlob } from 'node:path';

export interface Instruction {
  readonly name: string;
  readonly rest: string;
}

export interface Stage {
  readonly from: string;
  readonly as: string | undefined;
  readonly instructions: readonly Instruction[];
}

/** The stages of a Dockerfile in order; comments are left out and continued lines joined. */
export function readDockerfile(path: string): Stage[] {
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const stages: { from: string; as: string | undefined; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [, name = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
    if (name === 'FROM') {
      const [, from = '', as] = /^(\S+)(?:\s+AS\s+(\S+))?$/i.exec(rest) ?? [];
      stages.push({ from, as, instructions: [] });
    } else stages.at(-1)?.instructions.push({ name, rest });
  }
  return stages;
}

export function all(stage: Stage, name: string): string[] {
  return stage.instructions.filter((each) => each.name === name).map(({ rest }) => rest);
}

/** Sources and target of a COPY; `from` is another stage. */
export function copyOf(rest: string): { from: string | undefined; sources: string[]; target: string } {
  const words = rest.split(/\s+/);
  const from = words[0]?.startsWith('--from=') === true ? words.shift()?.slice(7) : undefined;
  const target = words.pop() ?? '';
  return { from, sources: words, target };
}

/** What a build of this checkout gets to see: tracked and new files that .dockerignore lets through. */
export function buildContext(root: string): string[] {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const rules = readFileSync(join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) =>
      line.startsWith('!') ? { keep: true, pattern: line.slice(1) } : { keep: false, pattern: line },
    );
  // The last rule that matches a file or one of its folders decides.
  const kept = (file: string) => {
    const parts = file.split('/');
    const selfAndFolders = parts.map((_, index) => parts.slice(0, index + 1).join('/'));
    return (
      rules.findLast(({ pattern }) => selfAndFolders.some((path) => matchesGlob(path, pattern)))?.keep !==
      false
    );
  };
  return files
    .split('\n')
    .filter((file) => file !== '' && kept(file) && globSync(file, { cwd: root }).length > 0);
}

/** Copies the context's files that a COPY names, as the builder would. */
export function copyInto(root: string, context: readonly string[], rest: string, app: string): void {
  const { sources, target } = copyOf(rest);
  for (const source of sources) {
    for (const file of context) {
      const within =
        file === source ? '' : file.startsWith(`${source}/`) ? file.slice(source.length + 1) : null;
      if (within === null) continue;
      const place = target.endsWith('/') ? join(target, source, within) : join(target, within);
      mkdirSync(dirname(join(app, place)), { recursive: true });
      cpSync(join(root, file), join(app, place));
    }
  }
}
