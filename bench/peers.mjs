// The peers: for each the worker in peers/ that is its adapter, what that is told, whether deleting takes it so long that it
// gets fewer rounds, and whether it is asked to delete a million at all.
import { Candidate } from './candidate.mjs';

export const PEERS = [
  { name: 'clustered', title: 'IndexedDB, clustered key', worker: 'clustered', million: true },
  { name: 'textbook', title: 'IndexedDB, textbook', worker: 'textbook', slow: true },
  { name: 'dexie-bulk', title: 'Dexie, bulkDelete', worker: 'dexie', options: { how: 'bulk' }, slow: true },
  { name: 'dexie-where', title: 'Dexie, where().delete()', worker: 'dexie', options: { how: 'where' }, slow: true },
  { name: 'absurd', title: 'sql.js + absurd-sql', worker: 'absurd', slow: true },
  { name: 'sqlite', title: 'SQLite on OPFS', worker: 'sqlite' },
  { name: 'sqlite-clustered', title: 'SQLite on OPFS, clustered', worker: 'sqlite', options: { clustered: true } },
];

export class Peer extends Candidate {
  #address;

  constructor(run, site, peer) {
    super(run, peer);
    const options = encodeURIComponent(JSON.stringify(peer.options ?? {}));
    this.#address = `${site}/peer.html?worker=worker-${peer.worker}.js#${options}`;
  }

  address() {
    return this.#address;
  }
}
