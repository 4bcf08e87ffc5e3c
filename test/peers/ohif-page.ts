/** OHIF as a radiologist sees it: Debian's Chromium, what its viewports show as text and as pixels. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { chromium, type Locator, type Page } from 'playwright-core';
import sharp from 'sharp';
import type { Ohif } from './ohif.ts';

const CHROMIUM = '/usr/bin/chromium';

/** For a machine that has other work. */
const PATIENCE_MS = 180_000;

/** WebGL is drawn by the processor: test machines have no graphics card. */
const SWITCHES = [
  '--no-sandbox',
  '--disable-gpu',
  '--use-gl=angle',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

export function chromiumInstalled(): boolean {
  return existsSync(CHROMIUM);
}

/** Three bytes a pixel, row-major. */
export interface Shown {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

/** One viewport of the page. */
export interface Pane {
  /** Everything that stands in it, white space made one blank. */
  text(): Promise<string>;
  /** What is drawn on its canvas. */
  picture(): Promise<Shown>;
  /** Outlines drawn over the picture, as points of the canvas. */
  outlines(): Promise<[number, number][][]>;
}

export interface Viewer {
  /** Uncaught errors, errors of the console and requests to other hosts, since the browser was opened. */
  readonly complaints: readonly string[];
  /** Opens a study; `stock`: in the layout that OHIF has by itself. Ready when its series are listed. */
  open(study: string, layout?: 'ours' | 'stock'): Promise<void>;
  /** The series in the order of the list, each with its modality and description. */
  series(): Promise<string[]>;
  /** Opens a series in the active viewport, by a double click on its entry. */
  openSeries(description: string): Promise<void>;
  panes(): Promise<number>;
  /** A viewport by its place on the page, from 0. */
  pane(index: number): Pane;
  /** Shows a page of other making (HTML) and gives its text. */
  show(html: string): Promise<string>;
  /** A picture of the page as a small PNG. */
  save(file: string): Promise<void>;
  close(): Promise<void>;
}

export async function openViewer(ohif: Ohif): Promise<Viewer> {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: SWITCHES });
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  page.setDefaultTimeout(PATIENCE_MS);
  const complaints: string[] = [];
  watch(page, new URL(ohif.url).host, complaints);
  const entries = page.locator(
    '[data-cy=study-browser-thumbnail], [data-cy=study-browser-thumbnail-no-image]',
  );
  const viewports = page.locator('[data-cy=viewport-pane]');
  return {
    complaints,
    async open(study, layout = 'ours') {
      const stock = layout === 'stock' ? '&hangingprotocolId=default' : '';
      await page.goto(`${ohif.url}/viewer?StudyInstanceUIDs=${study}${stock}`);
      await entries.first().waitFor();
      await viewports.first().waitFor();
    },
    async series() {
      return (await entries.allInnerTexts()).map(oneLine);
    },
    async openSeries(description) {
      await entries.filter({ hasText: description }).dblclick();
    },
    panes: () => viewports.count(),
    pane: (index) => paneOf(viewports.nth(index)),
    async show(html) {
      await page.goto('about:blank');
      await page.setContent(html);
      return oneLine(await page.locator('body').innerText());
    },
    async save(file) {
      await mkdir(dirname(file), { recursive: true });
      const seen = await page.screenshot();
      await writeFile(file, await sharp(seen).resize({ width: 1200 }).png({ palette: true }).toBuffer());
    },
    close: () => browser.close(),
  };
}

function watch(page: Page, host: string, complaints: string[]): void {
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    const { protocol, host: asked } = new URL(request.url());
    if (protocol.startsWith('http') && asked !== host) complaints.push(`another host: ${request.url()}`);
  });
}

/** What is used of a canvas; the tests are compiled without a browser's types. */
interface Canvas {
  toDataURL(type: string): string;
}

function paneOf(viewport: Locator): Pane {
  return {
    text: async () => oneLine(await viewport.innerText()),
    async picture() {
      const url = await viewport
        .locator('canvas')
        .evaluate((canvas) => (canvas as unknown as Canvas).toDataURL('image/png'));
      return decoded(Buffer.from(url.slice(url.indexOf(',') + 1), 'base64'));
    },
    outlines: () =>
      viewport.locator('svg polyline').evaluateAll((lines) =>
        lines.map((line) => {
          const numbers = (line.getAttribute('points') ?? '').match(/-?[\d.]+/g) ?? [];
          return Array.from({ length: numbers.length / 2 }, (_, at): [number, number] => [
            Number(numbers[2 * at]),
            Number(numbers[2 * at + 1]),
          ]);
        }),
      ),
  };
}

const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ').trim();

/** An encoded picture as pixels. */
export async function decoded(file: Uint8Array): Promise<Shown> {
  const { data, info } = await sharp(file)
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, rgb: data };
}

const SIDE = 48;

/**
 * How much a viewport shows the picture it should: the correlation of both, made small, -1 to 1. The viewer
 * fits the picture into the middle with a margin of its own choice, so the best of a few margins counts.
 */
export async function likeness(shown: Shown, picture: Shown): Promise<number> {
  const wanted = await small(picture, 0, 0, picture.width, picture.height);
  const fit = Math.min(shown.width / picture.width, shown.height / picture.height);
  let best = -1;
  for (let margin = 0; margin <= 0.08; margin += 0.005) {
    const scale = fit * (1 - margin);
    const width = Math.floor(picture.width * scale);
    const height = Math.floor(picture.height * scale);
    const left = Math.floor((shown.width - width) / 2);
    const top = Math.floor((shown.height - height) / 2);
    best = Math.max(best, correlation(await small(shown, left, top, width, height), wanted));
  }
  return best;
}

async function small({ width, height, rgb }: Shown, left: number, top: number, w: number, h: number) {
  return sharp(rgb, { raw: { width, height, channels: 3 } })
    .extract({ left, top, width: w, height: h })
    .resize(SIDE, SIDE, { fit: 'fill', kernel: 'cubic' })
    .raw()
    .toBuffer();
}

function correlation(a: Uint8Array, b: Uint8Array): number {
  const mean = (values: Uint8Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [both, squareA, squareB] = [0, 0, 0];
  for (let at = 0; at < a.length; at++) {
    const [x, y] = [(a[at] ?? 0) - meanA, (b[at] ?? 0) - meanB];
    both += x * y;
    squareA += x * x;
    squareB += y * y;
  }
  return squareA === 0 || squareB === 0 ? -1 : both / Math.sqrt(squareA * squareB);
}

/** The mean distance between the strongest and the weakest channel, 0 for a grey picture. */
export function colourOf({ rgb }: Shown): number {
  let sum = 0;
  for (let at = 0; at < rgb.length; at += 3) {
    const [r = 0, g = 0, b = 0] = rgb.subarray(at, at + 3);
    sum += Math.max(r, g, b) - Math.min(r, g, b);
  }
  return (3 * sum) / rgb.length;
}

/** The left and right sides changed. */
export async function mirrored({ width, height, rgb }: Shown): Promise<Shown> {
  const pixels = await sharp(rgb, { raw: { width, height, channels: 3 } })
    .flop()
    .raw()
    .toBuffer();
  return { width, height, rgb: pixels };
}
