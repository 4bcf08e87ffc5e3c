import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { programsFolder, programsInstalled } from '../../scripts/npm-programs.ts';
import { freePort } from '../peers/ports.ts';
import { until } from '../peers/process.ts';
import { ROOT } from './compose.ts';

const UNIT = join(ROOT, 'deploy/systemd/deep-health.service');
const ECOSYSTEM = join(ROOT, 'deploy/pm2/ecosystem.config.cjs');
const ANALYZE = '/usr/bin/systemd-analyze';

describe('deploy/pm2', () => {
  test('pm2 starts the service, and stops it in order', async (t) => {
    if (!programsInstalled()) return t.skip('pm2 is not installed');
    const folder = await mkdtemp(join(tmpdir(), 'dh-pm2-'));
    const port = await freePort();
    const config = join(folder, 'deep-health.yaml');
    await mkdir(join(folder, 'home'));
    await writeFile(
      config,
      JSON.stringify({
        server: { port },
        ledger: join(folder, 'ledger.sqlite'),
        storage: { folder: join(folder, 'data'), reserve: '1 MiB' },
        model: { threads: 1 },
      }),
    );
    // A pm2 of the test's own: its daemon, sockets and logs live in PM2_HOME.
    const env = { ...process.env, PM2_HOME: join(folder, 'home'), DEEP_HEALTH_CONFIG: config };
    const pm2 = (...args: readonly string[]) =>
      spawnSync(process.execPath, [join(programsFolder(), 'node_modules/pm2/bin/pm2'), ...args], {
        env,
        encoding: 'utf8',
      });
    try {
      const { status, stdout, stderr } = pm2('start', ECOSYSTEM);
      assert.equal(status, 0, stdout + stderr);
      const ready = async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
      await until('the service is ready', ready, 150_000);
      const [app] = JSON.parse(pm2('jlist').stdout) as { name: string; pm2_env: { status: string } }[];
      assert.deepEqual([app?.name, app?.pm2_env.status], ['deep-health', 'online']);
      assert.equal(pm2('stop', 'deep-health').status, 0);
      const log = readFileSync(join(folder, 'home/logs/deep-health-error.log'), 'utf8');
      assert.match(log, /"Stopped"/, 'it had the time to end by itself');
    } finally {
      pm2('kill');
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('spreads the roles that are asked for, each with a config of its own where there is one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'dh-pm2-'));
    await writeFile(join(folder, 'dh.yaml'), '{}');
    await writeFile(join(folder, 'dh.read-2.yaml'), '{}');
    const { stdout } = spawnSync(
      process.execPath,
      ['-p', `JSON.stringify(require(${JSON.stringify(ECOSYSTEM)}).apps)`],
      {
        encoding: 'utf8',
        env: {
          ...process.env,
          DEEP_HEALTH_CONFIG: join(folder, 'dh.yaml'),
          DEEP_HEALTH_ROLES: 'intake,read,read,deliver',
        },
      },
    );
    const apps = JSON.parse(stdout) as {
      name: string;
      args: string[];
      env: { DEEP_HEALTH_CONFIG: string };
    }[];
    assert.deepEqual(
      apps.map(({ name, args }) => [name, args.at(-1)]),
      [
        ['intake', 'intake'],
        ['read-1', 'read'],
        ['read-2', 'read'],
        ['deliver', 'deliver'],
      ],
    );
    assert.deepEqual(
      apps.map(({ env }) => env.DEEP_HEALTH_CONFIG.slice(folder.length + 1)),
      ['dh.yaml', 'dh.yaml', 'dh.read-2.yaml', 'dh.yaml'],
    );
    await rm(folder, { recursive: true });
  });
});

describe('deploy/systemd', () => {
  const unit = readFileSync(UNIT, 'utf8');

  test('the unit is right for systemd, and its exposure is low', (t) => {
    if (!existsSync(ANALYZE)) return t.skip('systemd is not installed');
    const verified = spawnSync(ANALYZE, ['verify', UNIT], { encoding: 'utf8' });
    // This machine need not have /usr/bin/node.
    const said = verified.stderr
      .split('\n')
      .filter((line) => line !== '' && !/node is not executable/.test(line));
    assert.deepEqual(said, []);
    // In tenths: 0 is no exposure, 100 all of it.
    const { status, stdout } = spawnSync(ANALYZE, ['security', '--offline=true', '--threshold=15', UNIT], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout.split('\n').at(-2));
  });

  test('names commands that exist, ends after the service does, and does not restart on a wrong config', async () => {
    const value = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1] ?? '';
    assert.ok(Number(value('TimeoutStopSec')) > 28);
    assert.equal(value('RestartPreventExitStatus'), '2');
    const [node, program = '', ...args] = value('ExecStart').split(' ');
    assert.equal(node, '/usr/bin/node');
    const folder = await mkdtemp(join(tmpdir(), 'dh-unit-'));
    await writeFile(join(folder, 'deep-health.yaml'), 'sever: {}\n');
    const child = spawn(
      process.execPath,
      [program, ...args].map((word) =>
        word.replace('/opt/deep-health', ROOT).replace('/etc/deep-health', folder),
      ),
      { stdio: 'ignore' },
    );
    const status = await new Promise((resolve) => child.once('exit', resolve));
    assert.equal(status, 2);
    await rm(folder, { recursive: true });
  });
});
