// Lethe as a candidate: the built package against the built server, which is put back together with the profile.
import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { folder } from '../e2e/endings.mjs';
import { Server, site } from '../e2e/server.mjs';
import { Candidate, replace } from './candidate.mjs';

const USER = 'me';
/** Conversations that are loaded at the same time. */
const LOADERS = 8;

export class Lethe extends Candidate {
  /** Its memory can be looked at. */
  watchable = true;
  #server;
  #loaded;
  #kept;

  /** Starts a server, with the bundle's pages in dist/, the folder that it serves, and loads the conversations into it. */
  static async start(run, bundled, talk, conversations) {
    const lethe = new Lethe(run, { name: 'lethe', title: 'Lethe', million: true });
    const web = site(run);
    for (const name of readdirSync(bundled)) {
      cpSync(join(bundled, name), join(web, 'dist', name));
    }
    lethe.#server = await Server.start(run, { web });
    lethe.#loaded = folder(run, 'loaded');
    lethe.#kept = folder(run, 'kept-server');
    await lethe.load(talk, conversations);
    return lethe;
  }

  /** Puts conversations on the server that an empty profile starts with. */
  async load(talk, conversations) {
    await this.#stopped(() => replace(this.#loaded, this.#server.data));
    const queue = [...conversations];
    const loader = async () => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        await this.#server.post('/v1/groups', { groupID: next.id.slice('GROUP'.length), members: [USER] });
        for (let seq = 1; seq <= next.messages; seq += 1000) {
          await this.#server.load(next.id, talk.batch(next.id, seq, Math.min(1000, next.messages - seq + 1)));
        }
      }
    };
    await Promise.all(Array.from({ length: LOADERS }, loader));
    await this.#stopped(() => replace(this.#server.data, this.#loaded));
  }

  async visit(from, options) {
    if (from !== 'left') {
      await this.#stopped(() => replace(from === 'empty' ? this.#loaded : this.#kept, this.#server.data));
    }
    return super.visit(from, options);
  }

  async keep() {
    await super.keep();
    await this.#stopped(() => replace(this.#server.data, this.#kept));
  }

  async address({ watched = false } = {}) {
    const token = await this.#server.token(USER);
    const options = { userID: USER, token, workerURL: watched ? '/dist/watched-worker.js' : undefined };
    return `${this.#server.url}/dist/lethe.html#${encodeURIComponent(JSON.stringify(options))}`;
  }

  async #stopped(work) {
    await this.#server.stop();
    work();
    await this.#server.start();
  }
}
