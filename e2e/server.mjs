// Runs the built binary as a user would: bin/lethe serve, its HTTP API, its tokens.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { atEnd, folder } from './endings.mjs';

/** The repository. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** What a page needs at least: the script tag and nothing else. */
export const BARE_PAGE = '<!doctype html><link rel="icon" href="data:,"><script src="/dist/lethe.js"></script>';

/** A folder for --web that has dist/ as it was built and pages of its own (index.html, dist/*.html). */
export function site(t, pages = {}) {
  const path = folder(t, 'site');
  cpSync(join(ROOT, 'dist'), join(path, 'dist'), { recursive: true, preserveTimestamps: true });
  for (const [name, html] of Object.entries({ 'index.html': BARE_PAGE, ...pages })) {
    writeFileSync(join(path, name), html);
  }
  return path;
}

/** One server with its data. It can be stopped and started again at the same address. */
export class Server {
  #web;
  #process;
  #address = '127.0.0.1:0';
  #options;
  #environment;
  #key;
  #keeps;
  #log = '';

  /** Starts a server for the tests of t. web is what it serves at /; options are further ones of lethe serve, environment are variables for it. */
  static async start(t, { web = site(t), options = [], environment = {} } = {}) {
    const server = new Server();
    server.data = folder(t, 'data');
    server.#web = web;
    server.#options = options;
    server.#environment = environment;
    atEnd(t, () => server.stop());
    await server.start();
    return server;
  }

  get url() {
    return `http://${this.#address}`;
  }

  get pid() {
    return this.#process.pid;
  }

  /** What it has logged so far. */
  get log() {
    return this.#log;
  }

  async start() {
    const args = ['serve', '--addr', this.#address, '--data', this.data, '--dev', '--web', this.#web];
    const started = spawn(join(ROOT, 'bin/lethe'), [...args, ...this.#options], {
      cwd: ROOT,
      env: { ...process.env, ...this.#environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = started;
    started.stderr.setEncoding('utf8').on('data', (text) => {
      this.#log += text;
    });
    const listening = new Promise((resolve) => {
      let said = '';
      started.stdout.setEncoding('utf8').on('data', (text) => {
        said += text;
        const found = /^listening on http:\/\/(\S+)\n/m.exec(said);
        if (found) {
          resolve(found[1]);
        }
      });
    });
    const failed = once(started, 'exit').then(([code]) => {
      throw new Error(`lethe serve ended with ${code}:\n${this.#log}`);
    });
    failed.catch(() => {}); // after listening its end is stop's business
    this.#address = await Promise.race([listening, failed]);
  }

  /** Stops it as an operator does, and waits for its end. */
  async stop() {
    if (this.#process && this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, 'exit');
      this.#process.kill('SIGTERM');
      await ended;
    }
  }

  /** Sends it a signal: SIGSTOP and it falls silent, with all its connections open. */
  signal(name) {
    this.#process.kill(name);
  }

  /** Ends it at once, in the middle of whatever it does. */
  async kill() {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }

  /** A token from /v1/dev/token. */
  async token(user, parameters = {}) {
    const query = new URLSearchParams({ user, ...parameters });
    const response = await fetch(`${this.url}/v1/dev/token?${query}`);
    if (!response.ok) {
      throw new Error(`no token for ${user}: ${await response.text()}`);
    }
    return (await response.json()).token;
  }

  /** Calls the HTTP API as the app's backend. */
  async request(method, path, body) {
    this.#key ??= this.token('backend', { role: 'admin' });
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { Authorization: `Bearer ${await this.#key}`, 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) {
      throw new Error(`${method} ${path}: ${response.status} ${text}`);
    }
    return JSON.parse(text);
  }

  post(path, body) {
    return this.request('POST', path, body);
  }

  /** Changes settings of the app, while it runs. */
  settings(change) {
    return this.request('PUT', '/v1/settings', change);
  }

  /** Appends messages {from, time, text}, as many as there are, and keeps them, however old they are. */
  async load(conversationID, messages, as) {
    this.#keeps ??= this.settings({ 'cloudHistory.retentionDays': 36_500 });
    await this.#keeps;
    for (let at = 0; at < messages.length; at += 1000) {
      await this.post('/v1/import', {
        as,
        conversationID,
        messages: messages.slice(at, at + 1000).map(({ from, time, text }) => ({ from, time, payload: { text } })),
      });
    }
  }
}
