#!/usr/bin/env node
// The command's entry. Plain JavaScript that any Node.js can parse, so that an old one gets a sentence
// instead of a syntax error.
const [major] = process.versions.node.split('.').map(Number);
if (major < 24) {
  process.stderr.write(
    `deep-health needs Node.js 24 or newer; this is ${process.version}. In a checkout run it as "npx deep-health", which brings the right one.\n`,
  );
  process.exit(2);
}
// Before the first module of ours: what is kept has its types removed, and Node's remover of types, which is WebAssembly
// of 3 MB, is not loaded then (20 MB of memory, and compiled again by every process).
const { enableCompileCache } = await import('node:module');
enableCompileCache();
// glibc raises the size from which memory goes back to the system with every large buffer that was freed, and has a
// heap for each thread: a daemon's films and passes would leave 150 MB behind for good (docs/decisions/0131). V8 keeps up to
// 48 MB for what has just been made, and nothing large is made there. All of it is read at the start of a process only,
// so it begins again as itself; a channel to its parent would not survive that.
if (
  process.argv[2] === 'serve' &&
  process.platform === 'linux' &&
  process.env.MALLOC_ARENA_MAX === undefined &&
  process.channel === undefined &&
  process.execve !== undefined
) {
  const { processors } = await import('../src/machine/processors.ts');
  // With one processor memory counts, with more of them time does (docs/decisions/0132, 0138).
  const small = processors() === 1;
  const heap = small
    ? ['--max-semi-space-size=2', '--heap-growing-percent=30']
    : ['--external-memory-accounted-in-global-limit', '--max-semi-space-size=4', '--heap-growing-percent=50'];
  const flags = [...heap, ...process.execArgv];
  process.execve(process.execPath, [process.execPath, ...flags, ...process.argv.slice(1)], {
    ...process.env,
    MALLOC_ARENA_MAX: '2',
    MALLOC_MMAP_THRESHOLD_: small ? '16384' : '65536',
    MALLOC_TRIM_THRESHOLD_: '1048576',
  });
}
// Passes of the network, files and pictures share these threads; the usual four are few on a larger machine.
const { processors } = await import('../src/machine/processors.ts');
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, processors() + 2));
const { main } = await import('../src/cli/main.ts');
await main(process.argv.slice(2));
