import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type LoadedConfig, loadConfig } from './load.ts';
import { masked } from './mask.ts';

const folder = mkdtempSync(join(tmpdir(), 'dh-config-'));
after(() => rmSync(folder, { recursive: true }));

function load(yaml: string, env: Record<string, string> = {}): LoadedConfig {
  const file = join(folder, 'deep-health.yaml');
  writeFileSync(file, yaml);
  return loadConfig(file, env);
}

function problemAt(loaded: LoadedConfig, path: string) {
  assert.equal(loaded.kind, 'invalid');
  const problem = loaded.problems.find((one) => one.path === path);
  assert.ok(problem, `no problem at ${path}, only at ${loaded.problems.map((one) => one.path).join(' ')}`);
  return problem;
}

test('no config at all gives the embedded defaults on loopback', () => {
  const loaded = loadConfig(null);
  assert.equal(loaded.kind, 'valid');
  const { server, queue, pacs, ris } = loaded.config;
  assert.deepEqual([server.host, server.port, queue, pacs, ris], ['127.0.0.1', 8104, 'embedded', [], []]);
});

test('the shipped config file is the defaults, word for word', () => {
  const shipped = loadConfig('config/deep-health.yaml');
  const defaults = loadConfig(null);
  assert.equal(shipped.kind, 'valid', JSON.stringify(shipped));
  assert.equal(defaults.kind, 'valid');
  assert.deepEqual(shipped.config, defaults.config);
});

test('every problem is named at once, with its path', () => {
  const loaded = load(
    'server: { prt: 1 }\npacs: [{ name: a, url: "ftp://x" }]\nstorage: { reserve: 5 parsecs }\nqueue: kafka\n',
  );
  assert.equal(loaded.kind, 'invalid');
  assert.deepEqual(
    loaded.problems.map((problem) => problem.path).sort(),
    ['pacs.0.url', 'queue', 'server.prt', 'storage.reserve'].sort(),
  );
});

test('an unknown key is answered with the nearest known one', () => {
  assert.match(problemAt(load('obsrve: {}\n'), 'obsrve').remedy, /observe/);
  assert.match(
    problemAt(load('pacs: [{ name: a, url: "http://x", pol: {} }]\n'), 'pacs.0.pol').remedy,
    /poll/,
  );
});

test('strings may come from the environment and from files', () => {
  writeFileSync(join(folder, 'secret.txt'), 'from a file\n');
  const yaml = [
    'pacs:',
    '  - name: a',
    '    url: http://127.0.0.1:8042/dicom-web',
    `    auth: { type: basic, user: "\${env:PACS_USER}", password: "\${file:secret.txt}" }`,
  ].join('\n');
  const loaded = load(yaml, { PACS_USER: 'dh' });
  assert.equal(loaded.kind, 'valid');
  assert.deepEqual(loaded.config.pacs[0]?.auth, { type: 'basic', user: 'dh', password: 'from a file' });
  assert.match(problemAt(load(yaml), 'pacs.0.auth.user').message, /PACS_USER/);
});

test('a value that came from a secret is not shown in a problem', () => {
  const loaded = load(`queue: "\${env:BROKER}"\n`, { BROKER: 'hunter2' });
  assert.ok(!JSON.stringify(problemAt(loaded, 'queue')).includes('hunter2'));
});

test('beyond loopback it needs users or tokens', () => {
  assert.match(problemAt(load('server: { host: 0.0.0.0 }\n'), 'server.host').message, /loopback/);
  const open = load('server: { host: 0.0.0.0, users: [{ name: a, password: long enough }] }\n');
  assert.equal(open.kind, 'valid');
});

test('a study is kept for longer than polls can find it', () => {
  const config = (keep: string) =>
    load(
      `storage: { retention: ${keep} }\npacs: [{ name: a, url: "http://a/", poll: { schedule: "* * * * * *", days: 5 } }]\n`,
    );
  assert.match(problemAt(config('6 d'), 'storage.retention').remedy ?? '', /7 d/);
  assert.equal(config('7 d').kind, 'valid');
});

test('broken YAML is a problem with its line, not an exception', () => {
  const loaded = load('server: {\n  host: [\n');
  assert.equal(loaded.kind, 'invalid');
  assert.match(loaded.problems[0]?.message ?? '', /Line \d+/);
});

test('a YAML bomb of aliases is refused', () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [${'*a,'.repeat(10)}]\nc: &c [${'*b,'.repeat(10)}]\nd: [${'*c,'.repeat(10)}]\n`;
  assert.equal(load(bomb).kind, 'invalid');
});

test('secrets and passwords in URLs are masked where the config is shown', () => {
  const shown = JSON.stringify(
    masked({ queue: 'amqp://dh:hunter2@h/', users: [{ name: 'n', password: 'hunter2' }], token: 'hunter2' }),
  );
  assert.ok(!shown.includes('hunter2'), shown);
  assert.match(shown, /amqp:\/\/dh:/);
});
