// The peers: for each the worker in peers/ that is its adapter, what that is told, whether deleting takes it so long that it
// gets fewer rounds, and whether it is asked to delete a million at all.
import { Candidate } from './candidate.mjs';

export const PEERS = [
  { name: 'clustered', title: 'IndexedDB, clustered key', worker: 'clustered', million: true },
  { name: 'textbook', title: 'IndexedDB, textbook', worker: 'textbook', slow: true },
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
