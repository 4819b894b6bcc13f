// Who is measured. A candidate keeps its database in a profile of its own; a filled one is put by, and every visit that
// deletes begins with a copy of it in a fresh browser, so that all rounds start from the same files.
import { cpSync, existsSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Browser } from '../e2e/browser.mjs';
import { folder } from '../e2e/endings.mjs';

/** Where a profile has the databases and the files of pages. */
const STORAGE = ['IndexedDB', 'File System', 'WebStorage'];

/** One browser with one page of a candidate. */
export class Visit {
  #browser;
  #page;

  static async start(run, profile, address) {
    const visit = new Visit();
    visit.#browser = await Browser.start(run, { profile });
    visit.#page = await visit.#browser.newPage();
    await visit.#page.goto(address);
    visit.opened = await visit.do('opened');
    return visit;
  }

  /** Calls what page/measure.mjs offers. */
  do(name, ...args) {
    return this.#page.evaluate(([method, given]) => window.bench[method](...given), [name, args]);
  }

  /** Calls a method of the candidate; resolves to its {time, value}. */
  call(method, ...args) {
    return this.do('call', method, ...args);
  }

  /** The bytes of the memory that the core in the page's worker has, where page/watched-worker.js runs it. */
  memory() {
    return this.#page.workers()[0].evaluate(() => self.core.exports.mem.buffer.byteLength);
  }

  close() {
    return this.#browser.close();
  }
}

export class Candidate {
  #run;
  #profile;
  #kept;

  constructor(run, { name, title, slow = false, million = false }) {
    Object.assign(this, { name, title, slow, million });
    this.#run = run;
    this.#profile = folder(run, `profile-${name}`);
    this.#kept = folder(run, `kept-${name}`);
  }

  /** Opens the page in a fresh browser: on an 'empty' profile, on the one 'kept', or on the one as it was 'left'. */
  async visit(from, options) {
    if (from === 'empty') {
      rmSync(this.#profile, { recursive: true, force: true });
    } else if (from === 'kept') {
      replace(this.#kept, this.#profile);
    }
    const visit = await Visit.start(this.#run, this.#profile, await this.address(options));
    this.browser = visit.opened.browser;
    return visit;
  }

  /** Puts the profile by as it is; no browser may be on it. */
  async keep() {
    replace(this.#profile, this.#kept);
  }

  /** Bytes of the profile's databases and files. */
  disk() {
    return STORAGE.reduce((sum, name) => sum + sizeOf(join(this.#profile, 'Default', name)), 0);
  }
}

/** Makes one folder a copy of another. */
export function replace(from, to) {
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true, verbatimSymlinks: true });
}

function sizeOf(path) {
  if (!existsSync(path)) {
    return 0;
  }
  const stat = lstatSync(path);
  return stat.isDirectory() ? readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0) : stat.size;
}
