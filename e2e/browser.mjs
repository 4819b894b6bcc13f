// Chromium with a profile on disk, as a person's browser has one.
import { existsSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { atEnd, folder } from './endings.mjs';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const FLAGS = [
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

function executable() {
  const found = [process.env.CHROMIUM, ...PLACES].find((path) => path && existsSync(path));
  if (!found) {
    throw new Error('no Chromium: run scripts/setup.sh browser, or say where it is in CHROMIUM');
  }
  return found;
}

/** One browser on one profile. It can be closed or killed and started again on the same profile. */
export class Browser {
  /** What its pages have complained of. */
  complaints = [];
  #tolerated;
  #profile;
  #context;

  /** Starts a browser for the tests of t, on a new profile or the one given. They fail if a page complains of what is not tolerated. */
  static async start(t, { tolerated, profile = folder(t, 'profile') } = {}) {
    const browser = new Browser();
    browser.#tolerated = tolerated;
    browser.#profile = profile;
    atEnd(t, async () => {
      await browser.close();
      if (browser.complaints.length > 0) {
        throw new Error(`the pages complained:\n${browser.complaints.join('\n')}`);
      }
    });
    await browser.start();
    return browser;
  }

  async start() {
    const root = process.getuid?.() === 0;
    this.#context = await chromium.launchPersistentContext(this.#profile, {
      executablePath: executable(),
      headless: true,
      args: root ? ['--no-sandbox', ...FLAGS] : FLAGS,
    });
    this.#context.on('console', (message) => {
      if (message.type() === 'error' && !this.#tolerated?.test(message.text())) {
        this.complaints.push(`console: ${message.text()} (${message.location().url})`);
      }
    });
    this.#context.on('weberror', (thrown) => this.complaints.push(`uncaught: ${thrown.error().stack}`));
  }

  newPage() {
    return this.#context.newPage();
  }

  async close() {
    await this.#context?.close();
    this.#context = undefined;
  }

  /** Ends the browser with all its processes at once, so that it can write nothing more. */
  async kill() {
    const gone = new Promise((resolve) => this.#context.once('close', resolve));
    const [, pid] = /-(\d+)$/.exec(readlinkSync(join(this.#profile, 'SingletonLock')));
    process.kill(-Number(pid), 'SIGKILL'); // playwright gives it a process group of its own
    await gone;
    this.#context = undefined;
  }
}
