// Where kills are played: a chat server with its data, a page from elsewhere, and a browser whose profile, like the server's
// data, is put back before every kill to what was set up once.
import { cpSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Browser } from './browser.mjs';
import { Device, soon } from './device.mjs';
import { folder } from './endings.mjs';
import { Server } from './server.mjs';

export class Stage {
  #profile;
  #kept;

  static async set(t) {
    const stage = new Stage();
    // The page comes from elsewhere, so that it can be loaded while the chat server is down.
    stage.server = await Server.start(t, { options: ['--origins', '127.0.0.1:*'] });
    const policy = `script-src 'self' 'unsafe-eval'; worker-src blob:; connect-src 'self' ${stage.server.url.replace('http', 'ws')}`;
    stage.web = await Server.start(t, { options: ['--csp', policy] });
    stage.#profile = folder(t, 'profile');
    stage.#kept = folder(t, 'kept');
    const tolerated = /ERR_CONNECTION_REFUSED|WebSocket connection to|ERR_INTERNET_DISCONNECTED/;
    stage.browser = await Browser.start(t, { profile: stage.#profile, tolerated });
    return stage;
  }

  /** A page with a chat that is not logged in. */
  async open() {
    const from = { page: this.web.url, url: this.server.url };
    const device = await Device.open(this.browser, from).catch((failure) => {
      if (!/Target crashed/.test(failure.message)) {
        throw failure;
      }
      return Device.open(this.browser, from); // it was to run in a process that has just been killed
    });
    device.line = await device.page.context().newCDPSession(device.page);
    return device;
  }

  /** Keeps profile and server data as they stand, under a name. The browser is closed and the server stopped for it. */
  async keep(name) {
    await this.browser.close();
    await this.server.stop();
    cpSync(this.#profile, join(this.#kept, name, 'profile'), { recursive: true });
    cpSync(this.server.data, join(this.#kept, name, 'data'), { recursive: true });
  }

  /** Puts back what was kept, and starts server and browser on it. */
  async restore(name) {
    await this.browser.close();
    await this.server.stop();
    for (const [from, to] of [
      ['profile', this.#profile],
      ['data', this.server.data],
    ]) {
      rmSync(to, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
      cpSync(join(this.#kept, name, from), to, { recursive: true });
    }
    await this.server.start();
    await this.browser.start();
  }

  /** Those of the byte strings that some file of the browser's storage holds. */
  inProfile(needles) {
    const found = new Set();
    for (const bytes of filesIn(join(this.#profile, 'Default'))) {
      for (const needle of needles) {
        if (!found.has(needle) && bytes.includes(needle)) {
          found.add(needle);
        }
      }
    }
    return found;
  }

  /** Ends the browser as a power button does, or only what runs the page and its worker, as a lack of memory does. */
  async kill(how, device) {
    if (how === 'browser') {
      await this.browser.kill();
      return;
    }
    const gone = device.page.waitForEvent('crash', { timeout: 30_000 });
    if (how === 'crash') {
      device.line.send('Page.crash').catch(() => {}); // it ends without an answer
    } else {
      await this.browser.killRenderers();
    }
    await gone;
  }
}

/** The contents of every file below a folder. */
function* filesIn(path) {
  for (const entry of readdirSync(path, { recursive: true })) {
    const file = join(path, entry);
    try {
      if (statSync(file).isFile()) {
        yield readFileSync(file);
      }
    } catch (failure) {
      if (failure.code !== 'ENOENT') {
        throw failure; // the browser removes files of its own as it likes
      }
    }
  }
}

/**
 * Finds the delay after which a kill lands in the midst of something: later when the last one came before, earlier when it came
 * after, and the further the more often that has been so, so that both happen.
 */
export class Aim {
  #delay;
  #step;
  #stride;
  #last;

  /** Both in ms: where to begin, and by how much to move. */
  constructor(delay, step) {
    this.#delay = delay;
    this.#step = this.#stride = step;
  }

  /** The next delay in ms; random is from 0 to 1. */
  next(random) {
    return this.#delay + (random - 0.5) * this.#step;
  }

  landed(after) {
    this.#stride = after === this.#last ? 2 * this.#stride : this.#step;
    this.#last = after;
    this.#delay += after ? -this.#stride : this.#stride;
  }
}

/** Waits until the performance clock shows a time, as exactly as can be. */
export async function until(time) {
  const rest = time - performance.now();
  if (rest > 2) {
    await new Promise((resolve) => setTimeout(resolve, rest - 2));
  }
  while (performance.now() < time) {
    // the last millisecond or two: a timer would be late
  }
}

/** Waits until a device that is logged in is connected. */
export function connected(device) {
  return soon(
    'it is connected',
    async () => (await device.events('NET_STATE_CHANGE')).at(-1)?.state === 'connected',
    40_000,
  );
}
