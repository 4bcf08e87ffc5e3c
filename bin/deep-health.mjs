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
// Passes of the network, files and pictures share these threads; the usual four are few on a larger machine.
const { availableParallelism } = await import('node:os');
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, availableParallelism() + 2));
const { enableCompileCache } = await import('node:module');
enableCompileCache();
const { main } = await import('../src/cli/main.ts');
await main(process.argv.slice(2));
