import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Ports on the loopback that are free now. All are held until the last was found, so that they differ; they
 * come from below the range from which the kernel gives ports to outgoing connections, so that none is lost
 * while a peer is down between a stop and a start.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = [];
  while (servers.length < count) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const server = createServer().listen({ port, host: '127.0.0.1', exclusive: true });
    const listening = once(server, 'listening').then(() => true);
    const refused = once(server, 'error').then(() => false);
    if (await Promise.race([listening, refused])) servers.push({ server, port });
  }
  await Promise.all(
    servers.map(({ server }) => new Promise<void>((resolve) => server.close(() => resolve()))),
  );
  return servers.map(({ port }) => port);
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('no free port');
  return port;
}
