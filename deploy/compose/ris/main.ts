/**
 * A small RIS for trying things out: takes HL7 results over MLLP, keeps the last ones in memory, and shows them
 * on a page. Environment: HOST (default 127.0.0.1), MLLP_PORT (2575), HTTP_PORT (8080), PASSWORD_FILE (a file
 * with the password of the page; without it the page is open).
 */
import { readFileSync } from 'node:fs';
import { createListener } from './listener.ts';
import { createPage } from './page.ts';

const { HOST = '127.0.0.1', MLLP_PORT = '2575', HTTP_PORT = '8080', PASSWORD_FILE } = process.env;
const password = PASSWORD_FILE ? readFileSync(PASSWORD_FILE, 'utf8').trim() : undefined;

const { server, mailbox } = createListener();
const page = createPage(mailbox, password);
server.listen(Number(MLLP_PORT), HOST);
page.listen(Number(HTTP_PORT), HOST, () => {
  process.stdout.write(`RIS: HL7 on ${HOST}:${MLLP_PORT}, page on http://${HOST}:${HTTP_PORT}\n`);
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(0));
