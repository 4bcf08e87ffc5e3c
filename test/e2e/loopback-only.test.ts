/** Without users and tokens nobody but this machine is let in, whatever a name leads to, at the start and after a reload. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { until } from '../peers/process.ts';
import { startDaemon } from './daemon.ts';

let scratch: string;
/** A machine whose hosts file says that localhost is every address. */
let misled: Readonly<Record<string, string>>;

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'dh-loopback-'));
  const script = join(scratch, 'hosts.mjs');
  await writeFile(
    script,
    `import dns from 'node:dns';
const lookup = dns.lookup;
dns.lookup = (name, options, done) => lookup(name === 'localhost' ? '0.0.0.0' : name, options, done);`,
  );
  misled = { NODE_OPTIONS: `--import ${script}` };
});
after(() => rm(scratch, { recursive: true, force: true }));

test('a name of the loopback that leads elsewhere is not listened on', async () => {
  await assert.rejects(
    startDaemon({ role: 'intake', config: { server: { host: 'localhost' } }, env: misled }).then((daemon) =>
      daemon.remove(),
    ),
    /service\.address|leads to 0\.0\.0\.0|ended/,
  );
});

test('a reload that takes the last user away is refused where others can reach the service', async () => {
  const users = [{ name: 'reader', password: 'correct horse battery' }];
  const daemon = await startDaemon({
    role: 'intake',
    config: { server: { host: 'localhost', users } },
    env: misled,
  });
  try {
    const ask = async () => {
      const answer = await fetch(`http://127.0.0.1:${new URL(daemon.url).port}/api/studies`);
      await answer.body?.cancel();
      return answer.status;
    };
    assert.equal(await ask(), 401);
    await daemon.configure({ server: { host: 'localhost' } });
    daemon.child.kill('SIGHUP');
    await until('the reload is told', async () =>
      daemon.log.some(({ code }) => code === 'service.reload-refused'),
    );
    assert.equal(await ask(), 401);
  } finally {
    await daemon.remove();
  }
});
