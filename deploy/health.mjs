// Health check of the image: asks an address and ends with 0 when the answer is 2xx.
// Usage: node deploy/health.mjs http://127.0.0.1:8104/readyz
const [, , address] = process.argv;
const healthy = await fetch(address, { signal: AbortSignal.timeout(4000) }).then(
  (answer) => answer.ok,
  () => false,
);
process.exit(healthy ? 0 : 1);
