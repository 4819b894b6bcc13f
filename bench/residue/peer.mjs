// A peer: its page and worker, driven from here.
import { deletionsOf } from './planted.mjs';

export class Peer {
  #browser;
  #address;
  #options;
  #page;

  constructor(browser, site, { worker, options }) {
    this.#browser = browser;
    this.#address = `${site}/peer.html#${worker}`;
    this.#options = options;
  }

  /** Opens its page, with its database or, where that was wiped, without. */
  async open({ wiped = false } = {}) {
    this.#page = await this.#browser.newPage();
    await this.#page.goto(this.#address);
    if (wiped) {
      await this.#page.evaluate(() => indexedDB.databases());
    } else {
      await this.#call('open', this.#options);
    }
  }

  fill({ conversations }) {
    return this.#call('fill', { conversations });
  }

  remove(planted) {
    return this.#call('remove', deletionsOf(planted));
  }

  wipe() {
    return this.#call('wipe');
  }

  /** The texts it still shows. */
  texts() {
    return this.#call('texts');
  }

  #call(method, ...args) {
    return this.#page.evaluate(([name, given]) => window.peer(name, ...given), [method, args]);
  }
}
