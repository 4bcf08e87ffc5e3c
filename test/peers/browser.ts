/** Debian's Chromium, driven by playwright-core. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const BINARY = '/usr/bin/chromium';
const AXE = new URL(import.meta.resolve('axe-core/axe.min.js'));
/** For a busy machine; nothing waits so long when all is well. */
const PATIENCE_MS = 60_000;

/** Whether a browser can run here; a test skips itself if not. */
export function browserInstalled(): boolean {
  return existsSync(BINARY);
}

export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: BINARY,
    // Tests run as root in containers, where Chromium has no sandbox.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  });
}

/** A page with what went wrong in it. */
export interface Watched {
  readonly page: Page;
  /** Errors, violations of the security policy, dialogs and requests to any other host so far. */
  readonly faults: readonly string[];
  close(): Promise<void>;
}

/** Opens a page in a profile of its own; answers of 4xx that a test provokes can be told with `expects`. */
export async function openPage(
  browser: Browser,
  origin: string,
  options: BrowserContextOptions & { readonly expects?: RegExp } = {},
): Promise<Watched> {
  const { expects, ...rest } = options;
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, ...rest });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const faults: string[] = [];
  const note = (fault: string) => {
    if (expects?.test(fault) !== true) faults.push(fault);
  };
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) note(message.text());
  });
  page.on('pageerror', (error) => note(error.message));
  page.on('dialog', (dialog) => {
    note(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !url.startsWith('blob:')) note(`request to ${url}`);
  });
  return { page, faults, close: () => context.close() };
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

/** What axe-core finds serious or critical on the page. */
export async function seriousProblems(page: Page): Promise<string[]> {
  await page.evaluate(await readFile(AXE, 'utf8'));
  const { violations } = (await page.evaluate('axe.run()')) as AxeResult;
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`);
}
