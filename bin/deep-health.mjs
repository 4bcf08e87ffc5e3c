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
// glibc raises the size from which memory goes back to the system with every large buffer that was freed, and has a
// heap for each thread: a daemon's films and passes would leave 150 MB behind for good (docs/decisions/0131). Both are
// read at the start of a process only, so it begins again as itself; a channel to its parent would not survive that.
if (
  process.argv[2] === 'serve' &&
  process.platform === 'linux' &&
  process.env.MALLOC_ARENA_MAX === undefined &&
  process.channel === undefined &&
  process.execve !== undefined
) {
  process.execve(process.execPath, [process.execPath, ...process.execArgv, ...process.argv.slice(1)], {
    ...process.env,
    MALLOC_ARENA_MAX: '2',
    MALLOC_MMAP_THRESHOLD_: '262144',
    MALLOC_TRIM_THRESHOLD_: '1048576',
  });
}
// Passes of the network, files and pictures share these threads; the usual four are few on a larger machine.
const { availableParallelism } = await import('node:os');
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, availableParallelism() + 2));
const { enableCompileCache } = await import('node:module');
enableCompileCache();
const { main } = await import('../src/cli/main.ts');
await main(process.argv.slice(2));
