import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { clientOf } from './client-address.ts';
import { halfEach } from './shares.ts';

/** At most so many connections at once, of one client at most half of them; what is more is closed at once. */
export function limitConnections(server: Server, most: number): void {
  server.maxConnections = most;
  const shares = halfEach(most);
  server.on('connection', (socket: Socket) => {
    const release = shares.take(clientOf(socket));
    if (release === undefined) {
      socket.destroy();
      return;
    }
    socket.once('close', release);
  });
}
