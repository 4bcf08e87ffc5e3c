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

test('values that do not go together are named together with those that are wrong in themselves', () => {
  const loaded = load(
    [
      'server: { host: 0.0.0.0, prt: 1 }',
      'pacs: [{ name: orthanc, url: "ftp://x", poll: { schedule: "every day" } }]',
      'ris: [{ name: orthanc, host: ris, port: 99999999, tls: { cert: a.pem } }]',
      'report: { to: [orthnc], timeZone: Mars/Olympus }',
      'select: { minAspect: 3 }',
    ].join('\n'),
  );
  assert.equal(loaded.kind, 'invalid');
  assert.deepEqual(loaded.problems.map(({ path }) => path).sort(), [
    'pacs.0.poll.schedule',
    'pacs.0.url',
    'report.timeZone',
    'report.to.0',
    'ris.0.name',
    'ris.0.port',
    'ris.0.tls.key',
    'select.minAspect',
    'server.host',
    'server.prt',
  ]);
  assert.match(problemAt(loaded, 'report.to.0').remedy, /orthanc/);
  for (const { remedy } of loaded.problems) assert.match(remedy, /\w{3}/);
});

test('nothing is said of values that a wrong one leaves open', () => {
  const wrongName = load('pacs: [{ name: "no name", url: "http://x" }]\nreport: { to: [somewhere] }\n');
  assert.equal(wrongName.kind, 'invalid');
  assert.deepEqual(
    wrongName.problems.map(({ path }) => path),
    ['pacs.0.name'],
  );
  const shortPassword = load('server: { host: 0.0.0.0, users: [{ name: a, password: short }] }\n');
  assert.equal(shortPassword.kind, 'invalid');
  assert.deepEqual(
    shortPassword.problems.map(({ path }) => path),
    ['server.users.0.password'],
  );
});

test('no wrong shape of any top key makes the check itself fail', () => {
  for (const key of ['server', 'pacs', 'select', 'model', 'report', 'ris', 'storage', 'observe']) {
    for (const value of ['1', '[1]', '[[]]', '{ a: { b: 1 } }', '[{ a: 1 }]', '"x"', 'null']) {
      assert.equal(load(`${key}: ${value}\n`).kind, 'invalid', `${key}: ${value}`);
    }
  }
});

test('a key at the wrong place is answered with the right one', () => {
  assert.match(problemAt(load('port: 8080\n'), 'port').remedy, /server\.port/);
});

test('a URL of a PACS holds no password, query or fragment', () => {
  for (const url of ['http://a:b@x/', 'http://x/?a=b', 'http://x/#a']) {
    problemAt(load(`pacs: [{ name: a, url: "${url}" }]\n`), 'pacs.0.url');
  }
});

test('a secret under a mistyped key is not shown, nor one in a whole that is wrong', () => {
  const mistyped = load('server: { users: [{ name: a, pasword: hunter22 }] }\n');
  assert.doesNotMatch(JSON.stringify(mistyped), /hunter22/);
  const inside = load(`pacs: [{ name: a, url: "http://x", auth: ["\${env:SECRET}"] }]\n`, {
    SECRET: 'hunter22',
  });
  assert.equal(inside.kind, 'invalid');
  assert.doesNotMatch(JSON.stringify(inside), /hunter22/);
  const odd = masked({ ledger: 'postgres://u:hunter22/@x@host/db', queue: 'amqp://h/?password=hunter22' });
  assert.doesNotMatch(JSON.stringify(odd), /hunter22/);
});

test('a reference of another form is a problem, not a text', () => {
  assert.match(problemAt(load(`ledger: "\${HOME}/ledger"\n`), 'ledger').message, /env:NAME/);
});

test('what works and is no good idea is advice: secrets in the file, credentials in the clear', () => {
  const loaded = load(
    [
      'queue: amqp://dh:hunter22@broker/',
      'pacs: [{ name: a, url: "http://pacs.hospital/", auth: { type: basic, user: u, password: hunter22 } }]',
    ].join('\n'),
  );
  assert.equal(loaded.kind, 'valid');
  assert.deepEqual(loaded.advice.map(({ path }) => path).sort(), [
    'ledger',
    'pacs.0.auth.password',
    'pacs.0.url',
    'queue',
    'report.timeZone',
  ]);
  assert.doesNotMatch(JSON.stringify(loaded.advice), /hunter22/);
  const fromEnv = load(
    `pacs: [{ name: a, url: "https://x/", auth: { type: basic, user: u, password: "\${env:P}" } }]\nreport: { timeZone: UTC }\n`,
    { P: 'hunter22' },
  );
  assert.equal(fromEnv.kind, 'valid');
  assert.deepEqual(fromEnv.advice, []);
});

test('a site that never named its zone is told that results are dated in UTC; one that wrote UTC meant it', () => {
  const advised = (text: string) => {
    const loaded = load(text);
    assert.equal(loaded.kind, 'valid');
    return loaded.advice.map(({ path }) => path);
  };
  assert.deepEqual(advised('ris: [{ name: ris, host: 127.0.0.1, port: 2575 }]'), ['report.timeZone']);
  assert.deepEqual(advised('ris: [{ name: ris, host: 127.0.0.1, port: 2575 }]\nreport: { language: de }'), [
    'report.timeZone',
  ]);
  assert.deepEqual(
    advised('ris: [{ name: ris, host: 127.0.0.1, port: 2575 }]\nreport: { timeZone: UTC }'),
    [],
  );
  assert.deepEqual(advised('server: { port: 0 }'), [], 'nobody gets results');
});

test('a map where a key should stand is a problem, and what is in it is told nowhere', (t) => {
  const warned = t.mock.method(process, 'emitWarning', () => {});
  const loaded = load('? { type: basic, user: a, password: hidden-secret }\n: x\n');
  assert.equal(loaded.kind, 'invalid');
  assert.doesNotMatch(JSON.stringify(loaded), /hidden/);
  assert.equal(warned.mock.callCount(), 0);
});

test('brackets without end are one problem, however many', () => {
  for (const levels of [40, 2_000, 100_000]) {
    for (const source of [
      '['.repeat(levels) + ']'.repeat(levels),
      `${'[a: '.repeat(levels)}${']'.repeat(levels)}`,
    ]) {
      const loaded = load(`ledger: ${source}\n`);
      assert.equal(loaded.kind, 'invalid');
      assert.equal(loaded.problems.length, 1);
      assert.match(loaded.problems[0]?.message ?? '', /levels/);
    }
  }
});
