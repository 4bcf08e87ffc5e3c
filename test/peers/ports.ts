import { createServer, type Server } from 'node:net';

/**
 * Ports on the loopback that are free now. All are held until the last was found, so that they differ; they
 * come from below the range from which the kernel gives ports to outgoing connections, so that none is lost
 * while a peer is down between a stop and a start.
 */
export async function freePorts(count: number): Promise<number[]> {
  const held: { server: Server; port: number }[] = [];
  while (held.length < count) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const server = await listen(port);
    if (server !== undefined) held.push({ server, port });
  }
  await Promise.all(held.map(({ server }) => new Promise<unknown>((resolve) => server.close(resolve))));
  return held.map(({ port }) => port);
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('no free port');
  return port;
}

function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(server));
  });
}
