import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildReceipt, receiptHeaders, receiptHtml } from '@govctl/core/receipt';
import axe, { type AxeResults } from 'axe-core';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hostileTexts } from '../../packages/core/src/receipt/hostile.fixture.ts';
import { deniedRun, everyReceipt, jobRun, manifestOf, sourcesOf } from '../../packages/core/src/receipt/receipt.fixture.ts';
import { chromiumAvailability, startChromium } from './chromium.ts';

const available = chromiumAvailability();
const pages = new Map(Object.entries(everyReceipt).map(([name, sources]) => [name, receiptHtml(buildReceipt(sources))]));
const long = hostileTexts.map((text) => text.slice(0, 300)).join(' ');
pages.set(
  'hostile',
  receiptHtml(
    buildReceipt(
      sourcesOf(deniedRun({ run_id: 'x'.repeat(160), dataset_id: '漢字'.repeat(60), reason: long }), {
        requested_by: '<script>alert(1)</script>',
      }),
    ),
  ),
);
pages.set('twenty', receiptHtml(buildReceipt(sourcesOf(jobRun(), { manifest: manifestOf(20) }))));

/** What is run in the page, as text: no type of a browser is known here. */
const inPage = {
  unfold: `document.querySelectorAll('details').forEach((element) => { element.open = true; })`,
  overflow: `({
    wide: document.documentElement.scrollWidth,
    beyond: [...document.querySelectorAll('main *')]
      .filter((element) => element.getBoundingClientRect().right > innerWidth + 0.5)
      .map((element) => element.outerHTML.slice(0, 80)),
  })`,
  afterButton: `getComputedStyle(document.querySelector('.button'), '::after').content`,
  misbehave: `(async () => {
    const script = document.createElement('script');
    script.textContent = 'globalThis.ran = true';
    document.body.append(script);
    const image = new Image();
    const loaded = new Promise((resolve) => {
      image.onload = () => resolve(true);
      image.onerror = () => resolve(false);
    });
    image.src = '/denied';
    const fetched = await fetch('/denied').then(() => true, () => false);
    return [globalThis.ran ?? false, await loaded, fetched];
  })()`,
};

/** A folder for screenshots to look at; none are kept otherwise. */
const gallery = process.env.GOVCTL_SCREENSHOTS;

describe.skipIf(available.skip)(`the page of a receipt in Chromium${available.note}`, () => {
  let browser: Browser;
  let server: Server;
  let origin: string;
  const open: BrowserContext[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      const page = pages.get((request.url ?? '').slice(1));
      response.writeHead(page === undefined ? 404 : 200, page === undefined ? {} : receiptHeaders).end(page ?? '');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await startChromium();
  });
  afterEach(async () => {
    for (const context of open.splice(0)) await context.close();
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
    server?.closeAllConnections();
  });

  /** A browser of this kind, and everything it has to say of the pages it shows. */
  async function look(options: BrowserContextOptions = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    open.push(context);
    const page = await context.newPage();
    const said: string[] = [];
    const asked: string[] = [];
    page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => said.push(error.message));
    page.on('dialog', (dialog) => {
      said.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => asked.push(request.url()));
    const show = async (name: string): Promise<Page> => {
      await page.goto(`${origin}/${name}`, { waitUntil: 'load' });
      return page;
    };
    return { show, said, asked };
  }

  async function picture(page: Page, name: string): Promise<void> {
    if (gallery !== undefined) await page.screenshot({ path: `${gallery}/${name}.png`, fullPage: true });
  }

  it.each([360, 768, 1280])(
    'fits %i pixels without scrolling sideways, asks for nothing else, and nothing is complained of',
    async (width) => {
      const { show, said, asked } = await look({ viewport: { width, height: 900 } });
      for (const name of pages.keys()) {
        const page = await show(name);
        await page.evaluate(inPage.unfold);
        const { wide, beyond } = await page.evaluate<{ wide: number; beyond: string[] }>(inPage.overflow);
        expect(beyond, name).toEqual([]);
        expect(wide, name).toBeLessThanOrEqual(width);
        await picture(page, `${name}-${width}`);
      }
      expect(said).toEqual([]);
      expect(asked.filter((url) => !url.startsWith('data:'))).toEqual([...pages.keys()].map((name) => `${origin}/${name}`));
    },
  );

  it.each(['light', 'dark'] as const)('has no fault axe knows of, in %s', async (colorScheme) => {
    // Only axe needs to get past the policy of the page; what it looks at is the same.
    const { show } = await look({ colorScheme, bypassCSP: true, viewport: { width: 768, height: 900 } });
    for (const name of ['promoted', 'denied', 'deferred', 'job']) {
      const page = await show(name);
      await page.evaluate(inPage.unfold);
      await page.evaluate(axe.source);
      const { violations, passes } = await page.evaluate<AxeResults>('axe.run(document)');
      expect(
        violations.map(({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`)]),
        name,
      ).toEqual([]);
      // It did look.
      const rules = passes.map(({ id }) => id);
      expect(rules).toEqual(expect.arrayContaining(['color-contrast', 'document-title', 'landmark-one-main', 'heading-order']));
      await picture(page, `${name}-${colorScheme}`);
    }
  });

  it('is seen by somebody who sees no colours, and by somebody who sees nothing', async () => {
    const page = await (await look({ forcedColors: 'active' })).show('denied');
    await picture(page, 'denied-forced-colors');
    const tree = await page.locator('main').ariaSnapshot();
    for (const line of ['heading "Denied" [level=1]', 'region "Next step"', 'region "Decision"', 'region "Audit contract"', 'contentinfo'])
      expect(tree.replace('- contentinfo', 'contentinfo')).toContain(line === 'contentinfo' ? 'Receipt of run' : line);
  });

  it('is all there on paper, with nothing folded away', async () => {
    const page = await (await look()).show('job');
    await page.emulateMedia({ media: 'print' });
    for (const text of ['Technical details', 'Input digest', 'Look for:', 'that did not stand in the way', 'policy-rev'])
      expect(await page.getByText(text, { exact: false }).first().isVisible(), text).toBe(true);
    const phases = page.locator('.log').first();
    expect((await phases.boundingBox())?.height).toBeGreaterThan(50);
    // An address that cannot be clicked is written out.
    expect(await page.evaluate<string>(inPage.afterButton)).toContain('https://help.example.com');
    const pdf = await page.pdf({ format: 'A4', printBackground: true, ...(gallery === undefined ? {} : { path: `${gallery}/job.pdf` }) });
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
    if (gallery !== undefined) {
      await page.setViewportSize({ width: 794, height: 1123 });
      await picture(page, 'job-print');
    }
  });

  it('runs no script and loads nothing, whatever stands in it', async () => {
    const { show, said } = await look();
    const page = await show('denied');
    const worked = await page.evaluate<boolean[]>(inPage.misbehave);
    expect(worked).toEqual([false, false, false]);
    expect(said.filter((line) => line.includes('Content Security Policy')).length).toBeGreaterThanOrEqual(3);
  });
});
