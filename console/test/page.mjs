// A real browser with the demo page in it, and what the page says about itself.
//
// Asks nothing of the server directly: everything goes through the page, as a person would.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
const ARGUMENTS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
  '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--hide-scrollbars'];

/** Starts the browser on a fresh profile. */
export async function startBrowser() {
  const profile = await mkdtemp(path.join(tmpdir(), 'portcullis-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    args: ARGUMENTS, executablePath: EXECUTABLE, headless: true,
  });
  return {
    browser: context.browser(),
    async close() {
      await context.close();
      await rm(profile, { force: true, recursive: true });
    },
  };
}

/** Opens the page in a context of its own, so that no cookie survives from another case. */
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { height: 1000, width: 1440 }, ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(`error in the page: ${error.message}`));
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) complaints.push(message.text());
  });
  page.on('request', (request) => {
    const asked = new URL(request.url());
    if (/^https?:$/.test(asked.protocol) && asked.origin !== new URL(url).origin) {
      complaints.push(`a request left the server: ${asked.origin}`);
    }
  });
  await page.goto(url);
  await page.waitForFunction(() => window.__portcullis?.state.ready, null, { timeout: 15000 });
  return { close: () => context.close(), complaints, page };
}

/** The state of the run that the page publishes. */
export function runState(page) {
  return page.evaluate(() => structuredClone(window.__portcullis.state.run));
}

/** Waits until `holds(run)`; on time-out says what the run looked like. */
export async function waitForRun(page, holds, what, timeout = 20000) {
  // Asked from outside: the page's policy forbids the code that a waiting browser would evaluate.
  const end = performance.now() + timeout;
  let run = null;
  while (performance.now() < end) {
    run = await runState(page);
    if (run && holds(run)) return run;
    if (run?.status === 'failed') break;
    await page.waitForTimeout(50);
  }
  const { failure, frames, position, refusals, status } = run ?? {};
  const seen = JSON.stringify({ failure, frames, position, refusals, status });
  throw new Error(`waited in vain until ${what}: ${seen}`);
}

/** Chooses a radio button by its value. */
export function choose(page, group, value) {
  return page.locator(`input[name="${group}"][value="${value}"]`).check({ force: true });
}
