/** Who gets into the console, and what hostile pages and films can do to it. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { request } from 'undici';
import { element } from '../../src/dicom/phantom/header.ts';
import { browserInstalled, openPage, startBrowser } from '../peers/browser.ts';
import { film, startDaemon, studyOf, type TestDaemon } from './daemon.ts';

const skip = browserInstalled() ? false : 'chromium is not installed';
const TOKEN = 'a-token-for-the-console-test';
const USER = { username: 'reader', password: 'correct horse' };
const HOSTILE_NAME = '<script>alert(1)</script><b>&amp;';
const HOSTILE_ID = '<img src=x onerror=alert(2)>';

let daemon: TestDaemon;
let browser: Browser;
const hostile = film(993, {
  attributes: {
    '00100010': element('PN', { Alphabetic: `${HOSTILE_NAME}^"'--><i>` }),
    '00100020': element('LO', HOSTILE_ID),
    '00080050': element('SH', '"><i>A1'),
    '00081030': element('LO', HOSTILE_ID),
  },
});

before(async () => {
  if (skip !== false) return;
  [browser, daemon] = await Promise.all([
    startBrowser(),
    startDaemon({
      config: {
        server: {
          users: [{ name: USER.username, password: USER.password }],
          tokens: [{ name: 'proxy', token: TOKEN }],
          console: { showPatient: true },
        },
      },
      authorization: `Bearer ${TOKEN}`,
    }),
  ]);
  const answer = await daemon.push(hostile);
  assert.equal(answer.status, 200);
  await answer.body?.cancel();
  await daemon.reaches(studyOf(hostile), 'delivered');
});

after(async () => {
  await browser?.close();
  await daemon?.remove();
});

test('without a password, or with a wrong one, there is nothing to see', { skip }, async () => {
  const wrong = { httpCredentials: { ...USER, password: 'wrong horse' }, expects: /401/ };
  const { page, faults, close } = await openPage(browser, daemon.url, wrong);
  const answer = await page.goto(daemon.url);
  assert.equal(answer?.status(), 401);
  assert.doesNotMatch(await page.locator('body').innerText(), /Worklist/);
  assert.deepEqual(faults, []);
  await close();
  const paths = ['/', '/console/main.js', '/api/triage', '/api/health', '/api/activity', '/api/try'];
  for (const path of [...paths, `/api/studies/${studyOf(hostile)}/films/1.2/picture`]) {
    const answer = await fetch(daemon.url + path, { method: path === '/api/try' ? 'POST' : 'GET' });
    assert.equal(answer.status, 401, path);
    assert.match(answer.headers.get('www-authenticate') ?? '', /^Basic /);
    await answer.body?.cancel();
  }
});

for (const [name, options] of [
  ['a password', { httpCredentials: USER }],
  ['a bearer token', { extraHTTPHeaders: { authorization: `Bearer ${TOKEN}` } }],
] as const) {
  test(`${name} opens list, pictures, updates and buttons`, { skip }, async () => {
    const { page, faults, close } = await openPage(browser, daemon.url, options);
    await page.goto(daemon.url);
    await page.locator('.row-link').first().click();
    await page.locator('.pair .over').waitFor();
    await page.getByLabel('I agree').check();
    await page.getByRole('button', { name: 'Send feedback' }).click();
    const author = name === 'a password' ? 'reader' : 'proxy';
    await page.locator('.given li', { hasText: author }).waitFor();
    assert.deepEqual(faults, []);
    await close();
  });
}

test('what a film’s header says is shown as text where config allows it, and never acts', {
  skip,
}, async () => {
  const { page, faults, close } = await openPage(browser, daemon.url, { httpCredentials: USER });
  await page.goto(daemon.url);
  const row = page.locator('.studies tbody tr').first();
  await row.waitFor();
  assert.ok((await row.locator('.patient').innerText()).startsWith(HOSTILE_NAME));
  assert.ok((await row.innerText()).includes(HOSTILE_ID));
  await page.locator('.row-link').first().click();
  await page.locator('.pair .over').waitFor();
  assert.match(await page.locator('.patient-block').innerText(), /"><i>A1/);
  for (const summary of await page.locator('details.result summary').all()) await summary.click();
  await page.locator('.oru').waitFor();
  assert.ok((await page.locator('.oru').innerText()).includes(`PID|1||${HOSTILE_ID}`));
  assert.equal(
    await page
      .locator('main script, main b:not(.oru b), main i, main img[src="x"], main svg[onload]')
      .count(),
    0,
  );
  assert.doesNotMatch(page.url(), /img|alert|script/);
  assert.deepEqual(faults, []);
  await close();
});

test('a page of another site can neither change nor frame anything', { skip }, async () => {
  const path = `/api/studies/${studyOf(hostile)}/feedback`;
  const before = await feedback();
  const elsewhere = await serve(`<!doctype html><title>elsewhere</title>
    <iframe src="${daemon.url}/" name="framed"></iframe>
    <form id="form" method="post" enctype="text/plain" target="framed" action="${daemon.url}${path}">
      <input name='{"agree":false,"comment":"' value='"}'></form>`);
  const { port } = elsewhere.address() as AddressInfo;
  // The same machine under another name is another site; another port is another origin of the same site.
  for (const host of ['localhost', '127.0.0.1']) {
    const { page, close } = await openPage(browser, daemon.url, { httpCredentials: USER, expects: /./ });
    await page.goto(`http://${host}:${port}/`);
    const answers: number[] = [];
    page.on('response', (answer) => {
      if (answer.request().method() === 'POST') answers.push(answer.status());
    });
    const sent = page.waitForResponse(
      (answer) => answer.request().method() === 'POST' && answer.status() !== 401,
    );
    await page.evaluate('document.getElementById("form").submit()');
    await sent;
    assert.equal(answers.at(-1), 403, host);
    const text = await page
      .frame('framed')
      ?.locator('body')
      .innerText({ timeout: 2000 })
      .catch(() => '');
    assert.doesNotMatch(text ?? '', /Worklist/);
    await close();
  }
  elsewhere.close();
  elsewhere.closeAllConnections();
  assert.equal(await feedback(), before);

  async function feedback(): Promise<number> {
    const row = (await daemon.study(studyOf(hostile))) as unknown as { feedback: unknown[] };
    return row.feedback.length;
  }
});

test('a service without sign-in answers under no name of somebody else’s', { skip }, async () => {
  const open = await startDaemon();
  try {
    const { statusCode, body } = await request(`${open.url}/api/triage`, {
      headers: { host: 'evil.example' },
    });
    assert.equal(statusCode, 403);
    assert.equal(((await body.json()) as { error: { code: string } }).error.code, 'api.cross-site');
    assert.equal((await fetch(`${open.url.replace('127.0.0.1', 'localhost')}/api/triage`)).status, 200);
  } finally {
    await open.remove();
  }
});

test('every answer carries the strict policy', { skip }, async () => {
  for (const path of ['/', '/console/main.js', '/api/triage', '/nothing']) {
    const answer = await fetch(daemon.url + path, { headers: { authorization: `Bearer ${TOKEN}` } });
    const policy = answer.headers.get('content-security-policy') ?? '';
    for (const part of [
      "script-src 'self'",
      "style-src 'self'",
      "frame-ancestors 'none'",
      "object-src 'none'",
    ]) {
      assert.ok(policy.includes(part), `${path}: ${part}`);
    }
    assert.doesNotMatch(policy, /unsafe|https?:|data:|\*/);
    await answer.body?.cancel();
  }
});

async function serve(html: string): Promise<Server> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end(html);
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  return server;
}
