// What several nodes have in common: a private PostgreSQL and a NATS server (bin/backing), and a balancer before the nodes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { atEnd } from './endings.mjs';
import { ROOT } from './server.mjs';

/** PostgreSQL and NATS, for the tests of t. */
export class Backing {
  #process;
  #lines;

  static async start(t) {
    const backing = new Backing();
    backing.#process = spawn(join(ROOT, 'bin/backing'), { stdio: ['pipe', 'pipe', 'inherit'] });
    backing.#lines = createInterface({ input: backing.#process.stdout })[Symbol.asyncIterator]();
    atEnd(t, async () => {
      const ended = once(backing.#process, 'exit');
      backing.#process.stdin.end();
      await ended;
    });
    Object.assign(backing, JSON.parse(await backing.#line()));
    return backing;
  }

  /** What a node is told: LETHE_STORE, LETHE_BUS and a key that all have. */
  get environment() {
    return { LETHE_STORE: this.postgres, LETHE_BUS: this.nats, LETHE_KEY: 'the key that all nodes of a cluster have' };
  }

  /** Says one of the lines that bin/backing obeys, and waits until it is done. */
  async say(line) {
    this.#process.stdin.write(`${line}\n`);
    await this.#line();
  }

  async #line() {
    const { value, done } = await this.#lines.next();
    if (done) {
      throw new Error('bin/backing has ended');
    }
    return value;
  }
}

/** A TCP balancer: each new connection goes to the next of its servers that takes it. */
export class Balancer {
  #server = createServer((socket) => this.#serve(socket));
  #sockets = new Set();
  #next = 0;
  /** The servers (URLs) for new connections. */
  servers = [];

  static async start(t, servers) {
    const balancer = new Balancer();
    balancer.servers = servers;
    balancer.#server.listen(0, '127.0.0.1');
    await once(balancer.#server, 'listening');
    atEnd(t, async () => {
      balancer.#server.close();
      for (const socket of balancer.#sockets) {
        socket.destroy();
      }
      await once(balancer.#server, 'close');
    });
    return balancer;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  #serve(socket, tried = 0) {
    this.#hold(socket);
    if (tried === this.servers.length) {
      socket.destroy();
      return;
    }
    const { hostname, port } = new URL(this.servers[this.#next++ % this.servers.length]);
    const server = connect({ host: hostname, port });
    this.#hold(server);
    server.once('error', () => this.#serve(socket, tried + 1));
    server.once('connect', () => {
      server.removeAllListeners('error').on('error', () => {});
      socket.pipe(server).pipe(socket);
      socket.once('close', () => server.destroy());
      server.once('close', () => socket.destroy());
    });
  }

  #hold(socket) {
    if (!this.#sockets.has(socket)) {
      this.#sockets.add(socket);
      socket.on('error', () => {}); // closed by the other side
      socket.once('close', () => this.#sockets.delete(socket));
    }
  }
}
