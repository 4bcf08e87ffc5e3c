/** The console in a real browser, in front of the service, a real Orthanc and an independent RIS. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Browser, Locator, Page } from 'playwright-core';
import sharp from 'sharp';
import { drawPhantom } from '../../src/dicom/phantom/draw.ts';
import { openLedger } from '../../src/ledger/ledger.ts';
import { studyUid } from '../../src/ledger/uids.ts';
import { browserInstalled, openPage, seriousProblems, startBrowser, type Watched } from '../peers/browser.ts';
import { type Orthanc, orthancInstalled, startOrthanc } from '../peers/orthanc.ts';
import { until } from '../peers/process.ts';
import { type Ris, risInstalled, startRis } from '../peers/ris.ts';
import { film, orthancId, pacsConfig, risConfig, startDaemon, studyOf, type TestDaemon } from './daemon.ts';

const missing = [
  [orthancInstalled(), 'Orthanc'],
  [risInstalled(), 'python3-hl7'],
  [browserInstalled(), 'chromium'],
].find(([installed]) => !installed)?.[1];
const skip = missing === undefined ? false : `${missing} is not installed`;
/** Pictures for the README are made by hand only, so that a test run leaves the checkout as it is. */
const takesPictures = process.env.DEEP_HEALTH_SCREENSHOTS === '1';
const IMAGES = fileURLToPath(new URL('../../docs/images/', import.meta.url));

let orthanc: Orthanc;
let ris: Ris;
let daemon: TestDaemon;
let browser: Browser;
let watched: Watched;
let page: Page;
let folder: string;
/** Delivered, from Orthanc, stat; and pushed, its message refused by the RIS. */
const stat = film(981);
const parked = film(982);

before(async () => {
  if (skip !== false) return;
  folder = await mkdtemp(join(tmpdir(), 'dh-console-'));
  [orthanc, ris, browser] = await Promise.all([startOrthanc(), startRis(), startBrowser()]);
  daemon = await startDaemon({ config: { pacs: [pacsConfig(orthanc)], ris: [risConfig(ris)] } });
  await ris.setNext(['AR']);
  await pushed(parked);
  const isParked = async () => {
    const row = await daemon.study(studyOf(parked));
    return row?.deliveries.some(({ state }) => state === 'parked') === true;
  };
  await until('its message is parked', isParked, 120_000);
  const path = join(folder, 'stat.dcm');
  await writeFile(path, stat);
  await orthanc.storeScu([path]);
  await daemon.api(`/api/studies/${studyOf(stat)}`, { body: { source: 'orthanc', priority: 'stat' } });
  await daemon.reaches(studyOf(stat), 'delivered');
  watched = await openPage(browser, daemon.url);
  page = watched.page;
});

after(async () => {
  await watched?.close();
  await browser?.close();
  await daemon?.remove();
  await ris?.stop();
  await orthanc?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true });
});

async function pushed(file: Uint8Array): Promise<void> {
  const answer = await daemon.push(file);
  assert.equal(answer.status, 200);
  await answer.body?.cancel();
}

async function open(fragment: string): Promise<void> {
  await page.goto(`${daemon.url}/${fragment}`);
}

const row = (file: Uint8Array): Locator =>
  page.locator('tr', { has: page.locator(`a[href$="${studyOf(file)}"]`) });

async function openStudy(file: Uint8Array): Promise<void> {
  await open(`#/studies/${studyOf(file)}`);
  await page.locator('#deliveries').waitFor();
}

/** A picture for the README, small enough for it. */
async function picture(name: string, shown = page): Promise<void> {
  if (!takesPictures) return;
  await mkdir(IMAGES, { recursive: true });
  const { width = 0 } = shown.viewportSize() ?? {};
  // The upper part of a long page: it has to be read in a README.
  const clip = {
    x: 0,
    y: 0,
    width,
    height: Math.min(1240, await shown.evaluate('document.body.scrollHeight')),
  };
  const png = await shown.screenshot({ fullPage: true, clip });
  const path = join(IMAGES, `console-${name}.png`);
  await sharp(png).png({ palette: true, colours: 256, effort: 10 }).toFile(path);
}

test('the list has the stat study first, with finding, probability, state and no patient', {
  skip,
}, async () => {
  await open('');
  await row(parked).waitFor();
  const rows = page.locator('.studies tbody tr');
  assert.match((await rows.nth(0).innerText()) ?? '', /^STAT/);
  assert.match(await rows.nth(0).innerText(), /\d %[\s\S]*Delivered[\s\S]*\d sent/);
  assert.match(await row(parked).innerText(), /Reported[\s\S]*1 parked/);
  const whole = await page.locator('body').innerText();
  assert.match(whole, /Not a medical device, not for primary diagnosis/);
  assert.doesNotMatch(whole, /phantom|\^/i, 'the patient is shown only where config allows');
  assert.equal(page.url().includes('phantom'), false);
});

test('a study that arrives appears by itself, and its row follows it', { skip }, async () => {
  await open('');
  await row(parked).waitFor();
  const late = film(983);
  await pushed(late);
  await row(late).waitFor();
  await row(late).getByText('Delivered').waitFor({ timeout: 60_000 });
});

test('filters by state and label stand in the address and survive a reload', { skip }, async () => {
  await open('');
  await row(parked).waitFor();
  await page.getByLabel('State').selectOption('stuck');
  await row(stat).waitFor({ state: 'detached' });
  await row(parked).waitFor();
  assert.match(page.url(), /#\/\?state=stuck$/);
  await page.reload();
  await row(parked).waitFor();
  assert.equal(await page.getByLabel('State').inputValue(), 'stuck');
  await page.getByLabel('State').selectOption('failed');
  await page.getByText('No study fits these filters.').waitFor();
  await page.getByRole('link', { name: 'Clear' }).click();
  await row(stat).waitFor();
  const read = await daemon.study(studyOf(stat));
  const label = read?.readings.at(-1)?.label ?? 'none';
  await page.getByLabel('Finding').selectOption(label);
  await row(stat).waitFor();
  await page.getByLabel('Finding').selectOption(label === 'normal' ? 'viral-pneumonia' : 'normal');
  await row(stat).waitFor({ state: 'detached' });
});

test('long lists go on by pages, each with its own address', { skip }, async () => {
  const ledger = await openLedger(join(daemon.folder, 'ledger.sqlite'));
  const old = Array.from({ length: 120 }, (_, index) => studyUid(`1.2.3.9.${index}`));
  try {
    for (const uid of old) {
      const notice = { studyUid: uid, source: { kind: 'receive', pacs: null }, priority: 'routine' } as const;
      await ledger.studies.notice({ ...notice, settleAt: null });
    }
    await open('#/?state=settling');
    const seen = new Set<string>();
    const links = page.locator('.row-link');
    for (;;) {
      await links.first().waitFor();
      const before = await links.first().getAttribute('href');
      const shown: string[] = await links.evaluateAll((all: readonly { readonly href: string }[]) =>
        all.map(({ href }) => href),
      );
      for (const href of shown) {
        assert.equal(seen.has(href), false);
        seen.add(href);
      }
      const next = page.getByRole('link', { name: 'Next page' });
      if ((await next.count()) === 0) break;
      await next.click();
      await until('the page turned', async () => (await links.first().getAttribute('href')) !== before);
    }
    assert.equal(seen.size, 120);
    await page.goBack();
    await page.getByRole('link', { name: 'Next page' }).waitFor();
  } finally {
    for (const uid of old) await ledger.retention.forget(uid);
    await ledger.close();
  }
});

test('keys alone lead from the list to a study and back', { skip }, async () => {
  await open('');
  await row(parked).waitFor();
  await page.locator('.row-link').first().focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('End');
  await page.keyboard.press('Home');
  const chosen = await page.evaluate('document.activeElement.getAttribute("href")');
  assert.equal(chosen, `#/studies/${studyOf(stat)}`);
  await page.keyboard.press('Enter');
  await page.locator('#deliveries').waitFor();
  assert.equal(await page.evaluate('document.activeElement.id'), 'main', 'reading begins at the new page');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate('document.activeElement.textContent'), '← Worklist');
  await page.keyboard.press('Enter');
  await row(stat).waitFor();
  await page.reload();
  await row(stat).waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'Skip to the content');
});

test('a study shows its film beside the heat map, and the slider takes the colours away', {
  skip,
}, async () => {
  await openStudy(stat);
  const pictures = page.locator('.pair img');
  await page.locator('.pair .over').waitFor();
  const sizesNow = (): Promise<string[]> =>
    pictures.evaluateAll(
      (all: readonly { readonly naturalWidth: number; readonly naturalHeight: number }[]) =>
        all.map(({ naturalWidth, naturalHeight }) => `${naturalWidth}x${naturalHeight}`),
    );
  await until('all are loaded', async () => !(await sizesNow()).includes('0x0'));
  const sizes = await sizesNow();
  assert.equal(sizes.length, 3);
  assert.equal(new Set(sizes).size, 1, 'they lie over each other');
  assert.match(sizes[0] ?? '', /^[3-9]\d\dx\d{3}$|^1000x\d{3,4}$/);
  const slider = page.getByRole('slider');
  await slider.focus();
  for (let i = 0; i < 20; i += 1) await page.keyboard.press('ArrowLeft');
  await until('they are gone', async () => (await opacity()) === '0');
  await page.keyboard.press('End');
  await until('they are back', async () => (await opacity()) === '1');
  await page.locator('.tree').first().waitFor();
  await picture('study');

  function opacity() {
    return page
      .locator('.pair .over')
      .evaluate((picture: { readonly style: { readonly opacity: string } }) => picture.style.opacity);
  }
});

test('a study shows reading, report as a tree, message and deliveries', { skip }, async () => {
  await openStudy(stat);
  const row = await daemon.study(studyOf(stat));
  const reading = page.locator('section', { has: page.locator('#reading') });
  const words = await reading.innerText();
  for (const expected of [
    /Normal/,
    /Bacterial pneumonia/,
    /Viral pneumonia/,
    /Applicability/,
    /Image quality for the model/,
  ]) {
    assert.match(words, expected);
  }
  assert.equal((await reading.locator('.shares .number').count()) ?? 0, 3);
  const tree = page.locator('.tree').first();
  await tree.waitFor();
  const shown = (all: string) => [...all.matchAll(/(\d+\.\d) %/g)].map(([, percent]) => percent);
  const reported = /Probability of normal[\s\S]*?viral pneumonia\s*[\d.]+ %/.exec(
    await tree.innerText(),
  )?.[0];
  assert.equal(shown(reported ?? '').length, 3);
  assert.deepEqual(shown(words), shown(reported ?? ''), 'the same figures as in the report');
  await page.getByText('Report for machines').first().click();
  await page.locator('.tree .tree, .tree ul ul').first().waitFor();
  await page.getByText('HL7 message (ORU)').first().click();
  const message = page.locator('.oru');
  await message.waitFor();
  const text = await message.innerText();
  assert.match(text, /^MSH\|\^~\\&\|/);
  assert.match(text, /\nPID\|1\|\|•••\|\|•••/, 'who it is stays covered');
  assert.match(text, /\nOBX\|1\|/);
  const received = (await ris.received()).find((each) => each.text.includes(String(row?.study)));
  assert.ok(received);
  const deliveries = page.locator('section', { has: page.locator('#deliveries') });
  assert.match(await deliveries.innerText(), /Heat map\s+orthanc\s+Sent\s+1/);
});

test('a parked delivery says why, and the button takes it up again', { skip }, async () => {
  await openStudy(parked);
  const deliveries = page.locator('section', { has: page.locator('#deliveries') });
  await deliveries.getByText('hl7.application-reject').waitFor();
  await page.getByRole('button', { name: 'Retry 1 parked delivery' }).click();
  await page.getByText('The deliveries are taken up again.').waitFor();
  await daemon.reaches(studyOf(parked), 'delivered');
  await deliveries.getByText('Parked').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: /^Retry/ }).waitFor({ state: 'detached' });
});

test('a radiologist disagrees with a word and a comment, which stay text', { skip }, async () => {
  await openStudy(parked);
  const comment = '<img src=x onerror="document.title=1"> left base </textarea><script>alert(1)</script>';
  await page.getByLabel('I do not agree').check();
  await page.getByLabel('What it is instead').selectOption('viral-pneumonia');
  await page.getByLabel(/^Comment/).fill(comment);
  await page.getByRole('button', { name: 'Send feedback' }).click();
  await page.getByText('it is recorded').waitFor();
  const said = page.locator('.given li').first();
  await said.waitFor();
  assert.match(await said.innerText(), /Disagrees[\s\S]*Viral pneumonia/);
  assert.equal(await said.locator('q').innerText(), comment);
  assert.equal(await page.locator('.given img, .given script').count(), 0);
  const row = (await daemon.study(studyOf(parked))) as unknown as { feedback: Record<string, unknown>[] };
  assert.deepEqual(
    { ...row.feedback[0], at: null },
    { run: 1, agree: false, label: 'viral-pneumonia', comment, author: null, at: null },
  );
});

test('a film that is nowhere any more has a placeholder that says so', { skip }, async () => {
  const gone = film(984);
  const path = join(folder, 'gone.dcm');
  await writeFile(path, gone);
  await orthanc.storeScu([path]);
  await daemon.api(`/api/studies/${studyOf(gone)}`, { body: { source: 'orthanc' } });
  await daemon.reaches(studyOf(gone), 'delivered');
  await orthanc.rest(`/studies/${await orthancId(orthanc, studyOf(gone))}`, { method: 'DELETE' });
  const apart = await openPage(browser, daemon.url, { expects: /Failed to load resource/ });
  await apart.page.goto(`${daemon.url}/#/studies/${studyOf(gone)}`);
  const placeholder = apart.page.locator('.placeholder');
  await placeholder.getByText('The film cannot be shown here.').waitFor();
  await placeholder.getByText(/web\.not-found|storage\.film-gone/).waitFor();
  assert.deepEqual(apart.faults, []);
  await apart.close();
});

test('a film is tried as JPEG, PNG and DICOM, with the answer in old and new words; nothing is kept', {
  skip,
}, async () => {
  await open('#/try');
  const before = (await daemon.api('/api/studies')) as { studies: unknown[] };
  const { pixels, width, height } = drawPhantom({ seed: 985, width: 600, height: 512, bits: 8 });
  const drawn = sharp(Uint8Array.from(pixels), { raw: { width, height, channels: 1 } });
  const files = [
    {
      name: 'film.jpg',
      mimeType: 'image/jpeg',
      buffer: await drawn.clone().jpeg({ quality: 95 }).toBuffer(),
    },
    { name: 'film.png', mimeType: 'image/png', buffer: await drawn.clone().png().toBuffer() },
    { name: 'film', mimeType: '', buffer: Buffer.from(film(985)) },
  ];
  for (const file of files) {
    await page.getByLabel(/^Choose a frontal chest film/).setInputFiles(file);
    await page.getByText(`Read ${file.name}, `).waitFor();
    const answer = await page.locator('.original').innerText();
    assert.match(answer, /^(0\s+No pneumonia|1\s+Bacterial pneumonia|2\s+Viral pneumonia)$/);
    assert.match(await page.locator('.answer').innerText(), /pneumonia (present|absent|undetermined)/);
    await page.locator('.pair .over').waitFor();
  }
  await picture('try');
  const after = (await daemon.api('/api/studies')) as { studies: unknown[] };
  assert.equal(after.studies.length, before.studies.length);
});

test('a file that is no film is refused with a sentence; one can be dropped too', { skip }, async () => {
  const apart = await openPage(browser, daemon.url, { expects: /Failed to load resource/ });
  await apart.page.goto(`${daemon.url}/#/try`);
  const nonsense = { name: '<b>x</b>.dcm', mimeType: '', buffer: Buffer.from('this is no film '.repeat(99)) };
  await apart.page.getByLabel(/^Choose a frontal chest film/).setInputFiles(nonsense);
  await apart.page.getByText('file.unknown-format').waitFor();
  assert.equal(await apart.page.locator('main b').count(), 0);
  const bytes = Buffer.from(film(986)).toString('base64');
  await apart.page.evaluate(`{
    const bytes = Uint8Array.from(atob(${JSON.stringify(bytes)}), (letter) => letter.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], 'dropped.dcm'));
    document.querySelector('.drop').dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
  }`);
  await apart.page.locator('.original').waitFor();
  assert.deepEqual(apart.faults, []);
  await apart.close();
});

test('health tells of PACS, RIS, queue and model, and that a RIS went away', { skip }, async () => {
  await open('#/health');
  const peers = page.locator('section', { has: page.locator('#peers') });
  await peers.getByText('orthanc').waitFor();
  const up = (name: string) => peers.locator('tr', { hasText: name }).getByText('Up', { exact: true });
  await up('orthanc').waitFor({ timeout: 40_000 });
  await up('ris').waitFor({ timeout: 40_000 });
  const main = await page.locator('main').innerText();
  assert.match(main, /Ready[\s\S]*pneumonia-inception-v3[\s\S]*embedded[\s\S]*free/);
  await page.locator('svg.chart rect').first().waitFor();
  assert.equal(await page.locator('svg.chart').count(), 2);
  assert.match(
    (await page.locator('svg.chart').first().getAttribute('aria-label')) ?? '',
    /[1-9]\d* readings? reported/,
  );
  await page.getByText('As a table').click();
  assert.equal(await page.locator('details table tbody tr').count(), 24);
  await page.getByText('As a table').click();
  await picture('health');
  await ris.halt();
  try {
    await peers.locator('tr', { hasText: 'ris' }).getByText('mllp.unreachable').waitFor({ timeout: 60_000 });
  } finally {
    await ris.start();
  }
});

test('axe finds nothing serious on any page, wide or narrow', { skip }, async () => {
  const phone = await openPage(browser, daemon.url, { viewport: { width: 390, height: 844 } });
  const pages: readonly (readonly [string, string])[] = [
    ['', '.studies tbody tr'],
    [`#/studies/${studyOf(stat)}`, '.pair .over'],
    ['#/try', '.drop'],
    ['#/health', 'svg.chart'],
  ];
  for (const { page: shown } of [watched, phone]) {
    for (const [fragment, ready] of pages) {
      await shown.goto(`${daemon.url}/${fragment}`);
      await shown.locator(ready).first().waitFor();
      assert.deepEqual(await seriousProblems(shown), [], fragment);
      const width = await shown.evaluate('document.documentElement.scrollWidth - innerWidth');
      assert.ok(Number(width) <= 0, `${fragment} is wider than the window`);
    }
  }
  assert.deepEqual(phone.faults, []);
  await phone.page.goto(`${daemon.url}/`);
  await phone.page.locator('.studies tbody tr').first().waitFor();
  await picture('phone', phone.page);
  await phone.close();
});

test('what held nothing to read stands at the end, with the reason', { skip }, async () => {
  const more = takesPictures ? [987, 988, 989, 990, 991].map((seed) => film(seed)) : [];
  for (const file of more) await pushed(file);
  for (const file of more) await daemon.reaches(studyOf(file), 'delivered');
  const lateral = film(992, { view: 'LL' });
  await pushed(lateral);
  await daemon.reaches(studyOf(lateral), 'skipped');
  await open('');
  await row(lateral).getByText('Skipped').waitFor();
  assert.match(await page.locator('.studies tbody tr').last().innerText(), /Nothing to read[\s\S]*frontal/i);
  await picture('list');
});

test('no page asked another host, met an error or broke its security policy', { skip }, () => {
  assert.deepEqual(watched.faults, []);
});
