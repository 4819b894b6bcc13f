// Chromium with a profile on disk, as a person's browser has one.
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
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
  #leftOut;

  /**
   * Starts a browser for the tests of t, on a new profile or the one given. They fail if a page complains of what is not tolerated.
   * keepsPages: it has the back/forward cache that playwright turns off.
   */
  static async start(t, { tolerated, profile = folder(t, 'profile'), keepsPages = false } = {}) {
    const browser = new Browser();
    browser.#leftOut = keepsPages ? ['--disable-back-forward-cache'] : [];
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
      ignoreDefaultArgs: this.#leftOut,
    });
    this.#context.on('console', (message) => {
      if (message.type() === 'error' && !this.#tolerated?.test(message.text())) {
        this.complaints.push(`console: ${message.text()} (${message.location().url})`);
      }
    });
    this.#context.on('weberror', (thrown) => this.complaints.push(`uncaught: ${thrown.error().stack}`));
  }

  /** The id of its first process, which is that of the group of all of them. */
  get pid() {
    const [, pid] = /-(\d+)$/.exec(readlinkSync(join(this.#profile, 'SingletonLock')));
    return Number(pid);
  }

  newPage() {
    return this.#context.newPage();
  }

  /** The DevTools protocol's end of a page. */
  devTools(page) {
    return this.#context.newCDPSession(page);
  }

  async close() {
    await this.#context?.close();
    this.#context = undefined;
  }

  /** Ends the browser with all its processes at once, so that it can write nothing more. */
  async kill() {
    const gone = new Promise((resolve) => this.#context.once('close', resolve));
    process.kill(-this.pid, 'SIGKILL'); // playwright gives it a process group of its own
    await gone;
    this.#context = undefined;
  }

  /** Ends the processes that run its pages and their workers; the browser lives on. */
  killRenderers() {
    const group = String(this.pid);
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        const [, , pgrp] = readFileSync(`/proc/${pid}/stat`, 'latin1')
          .replace(/^.*\) /s, '')
          .split(' ');
        if (pgrp === group && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('--type=renderer')) {
          process.kill(Number(pid), 'SIGKILL');
        }
      } catch (failure) {
        if (failure.code !== 'ENOENT' && failure.code !== 'ESRCH') {
          throw failure; // else it has ended meanwhile
        }
      }
    }
  }
}
