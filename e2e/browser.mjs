// Chromium with a profile on disk, as a person's browser has one.
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { atEnd, folder } from './endings.mjs';

// Imported, node would read all of its 7 MB once more, to find the names that it exports: a third of what it takes to load it.
const { chromium } = createRequire(import.meta.url)('playwright-core');

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

// Debian's build of the same engine and storage without the browser's own windows: to start it and load a page takes 0.5 s of
// processor instead of 1.2 (measured 2026-11-30, 2 cores). Its pages share a process, and what draws and what speaks to the network
// have none of their own: that makes the tests cheaper once more, by 7 % for the latter (2026-12-01).
const BARE = '/usr/bin/chromium-headless-shell';
const SHARED = ['--renderer-process-limit=1', '--in-process-gpu', '--enable-features=NetworkServiceInProcess2'];

const FLAGS = [
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

// The whole browser draws what drops out of its address bar as pages of its own, in processes of their own, before anybody types.
// Without them it takes 1.2 s of processor to start it and load a page instead of 2.1 (measured 2026-11-30, 2 cores).
const ADDRESS_BAR = ['WebUIOmniboxPopup', 'WebUIOmniboxAimPopup'];

// What playwright turns off, of one list of which the last one given counts.
const TURNED_OFF = [
  'AimEnabled',
  'AvoidCorsURLLoaderRestartOnRedirect',
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'HttpsFirstBalancedModeAutoEnable',
  'HttpsUpgrades',
  'LensOverlay',
  'MediaRouter',
  'NetworkTimeServiceQuerying',
  'OptimizationHints',
  'PaintHolding',
  'PreconnectToSearch',
  'ThirdPartyStoragePartitioning',
];
const WHOLE = [`--disable-features=${[...TURNED_OFF, ...ADDRESS_BAR].join(',')}`];

// How a browser ends by a fault of its own while it starts, before anything is asked of it. Seen once (2026-12-01), and in none of
// 1 000 starts, four at a time.
const DIED = /Segmentation fault|SIGSEGV/;

function executable(bare) {
  const places = bare ? [BARE, ...PLACES] : PLACES;
  const found = [process.env.CHROMIUM, ...places].find((path) => path && existsSync(path));
  if (!found) {
    throw new Error('no Chromium: run scripts/setup.sh browser, or say where it is in CHROMIUM');
  }
  return found;
}

// Bare browsers that no test has now, with nothing in them; undefined where they are not passed on.
let vacant;

/**
 * From now on a bare browser is left to the next test that asks for one: to start one costs more than many a test does with it. They
 * are closed by what is given to after, which is node:test's own, called where no test runs.
 */
export function passOn(after) {
  if (!vacant) {
    vacant = [];
    after(async () => {
      for (const browser of vacant) {
        await browser.end();
      }
    });
  }
}

/** One browser on one profile. It can be closed or killed and started again on the same profile. */
export class Browser {
  /** What its pages have complained of. */
  complaints = [];
  #tolerated;
  #profile;
  #context;
  #bare;
  #leftOut;
  #over = false;
  /** Where its pages have been. */
  #origins = new Set();

  /**
   * Starts a browser for the tests of t, on a new profile or the one given. They fail if a page complains of what is not tolerated.
   * bare: for what devices, server and API say to each other. Not for what a browser does with its tabs, its storage and its end.
   * Without a profile given it may be one that another test has left, emptied (passOn).
   * keepsPages: it has the back/forward cache that playwright turns off.
   */
  static async start(t, { tolerated, profile, bare = false, keepsPages = false } = {}) {
    const passedOn = vacant && bare && !profile;
    const browser = (passedOn && vacant.pop()) || new Browser();
    browser.#bare = bare;
    browser.#leftOut = keepsPages ? ['--disable-back-forward-cache'] : [];
    browser.#tolerated = tolerated;
    browser.#profile ??= profile ?? (passedOn ? mkdtempSync(join(tmpdir(), 'lethe-profile-')) : folder(t, 'profile'));
    browser.#over = false;
    atEnd(t, async () => {
      browser.#over = true;
      await (passedOn ? browser.#leave() : browser.close());
      const complaints = browser.complaints.splice(0);
      if (complaints.length > 0) {
        throw new Error(`the pages complained:\n${complaints.join('\n')}`);
      }
    });
    if (!browser.#context) {
      await browser.start();
    }
    return browser;
  }

  async start() {
    const root = process.getuid?.() === 0;
    const flags = [...FLAGS, ...(this.#bare ? SHARED : WHOLE)];
    const launch = () =>
      chromium.launchPersistentContext(this.#profile, {
        executablePath: executable(this.#bare),
        headless: true,
        args: root ? ['--no-sandbox', ...flags] : flags,
        ignoreDefaultArgs: this.#leftOut,
      });
    const context = await launch().catch((failure) => {
      if (!DIED.test(failure.message)) {
        throw failure;
      }
      process.stderr.write('a browser died while it started, and is started again\n');
      return launch();
    });
    if (this.#over) {
      await context.close(); // nobody else would, and the tests would wait for it
      throw new Error('the test was over before its browser had started');
    }
    this.#context = context;
    this.#context.on('console', (message) => {
      if (message.type() === 'error' && !this.#tolerated?.test(message.text())) {
        this.complaints.push(`console: ${message.text()} (${message.location().url})`);
      }
    });
    this.#context.on('weberror', (thrown) => this.complaints.push(`uncaught: ${thrown.error().stack}`));
    this.#context.on('page', (page) =>
      page.on('framenavigated', (frame) => this.#origins.add(new URL(frame.url()).origin)),
    );
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

  /** Closes it for good and removes its profile, which is its own. */
  async end() {
    await this.close();
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  /** Closes its pages and removes what they have stored, so that the next test can have it. */
  async #leave() {
    if (!this.#context) {
      await this.end(); // closed by its test, or not started yet
      return;
    }
    try {
      const [blank, ...pages] = this.#context.pages();
      await Promise.all(pages.map((page) => page.close()));
      const session = await this.devTools(blank);
      for (const origin of this.#origins) {
        await session.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' });
      }
      await session.detach();
      this.#origins.clear();
      vacant.push(this);
    } catch (failure) {
      await this.end();
      throw failure;
    }
  }

  /** Ends the browser with all its processes at once, so that it can write nothing more. */
  async kill() {
    const gone = new Promise((resolve) => this.#context.once('close', resolve));
    process.kill(-this.pid, 'SIGKILL'); // playwright gives it a process group of its own
    await gone;
    this.#context = undefined;
  }

  /**
   * Ends the processes that run its pages and their workers, and waits until they are gone; the browser lives on. A page opened
   * before would be given one of them, and playwright waits for such a page without end.
   */
  async killRenderers() {
    const ended = this.#renderers();
    for (const pid of ended) {
      unlessGone(() => process.kill(pid, 'SIGKILL'));
    }
    while (ended.some((pid) => existsSync(`/proc/${pid}`))) {
      await wait(5);
    }
  }

  #renderers() {
    const group = String(this.pid);
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) =>
        unlessGone(() => {
          const [, , pgrp] = readFileSync(`/proc/${pid}/stat`, 'latin1')
            .replace(/^.*\) /s, '')
            .split(' ');
          return pgrp === group && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('--type=renderer');
        }),
      );
  }
}

/** Does something with a process that may have ended meanwhile. */
function unlessGone(act) {
  try {
    return act();
  } catch (failure) {
    if (failure.code !== 'ENOENT' && failure.code !== 'ESRCH') {
      throw failure;
    }
  }
}
