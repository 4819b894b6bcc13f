import source from 'lethe:worker';
import type { Core, CoreListener } from './core.js';
import type { FromWorker, ToWorker } from './worker-messages.js';

/** Starts a worker and resolves when its script runs. Rejects where the page may not have one (no Worker, a CSP, a 404). */
export async function startWorker(url: string | undefined): Promise<Worker> {
  if (url !== undefined) {
    return hello(url);
  }
  const blob = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  try {
    return await hello(blob);
  } finally {
    URL.revokeObjectURL(blob);
  }
}

function hello(url: string): Promise<Worker> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(url, { name: 'lethe' });
    worker.onmessage = () => resolve(worker);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(`no worker could be started ${event.message ?? ''}`.trim()));
    };
  });
}

/** Starts Go in a worker. Resolves when it is ready; rejects, with the worker ended, when it exits before that. */
export function startWorkerCore(worker: Worker, module: WebAssembly.Module, listener: CoreListener): Promise<Core> {
  return new Promise((resolve, reject) => {
    const core = new WorkerCore(worker, listener, reject);
    worker.onmessage = ({ data: message }: MessageEvent<FromWorker>) => {
      if (message.kind === 'ready') {
        core.watch();
        resolve(core);
      } else {
        core.receive(message);
      }
    };
    core.start(module);
  });
}

let count = 0;

class WorkerCore implements Core {
  readonly place = 'worker';
  readonly #worker: Worker;
  readonly #listener: CoreListener;
  readonly #failed: (reason: Error) => void;
  readonly #replies = new Map<number, (reply: Uint8Array) => void>();
  readonly #lock = `lethe worker ${performance.timeOrigin} ${Math.random()} ${++count}`;
  #calls = 0;
  #ended = false;

  constructor(worker: Worker, listener: CoreListener, failed: (reason: Error) => void) {
    this.#worker = worker;
    this.#listener = listener;
    this.#failed = failed;
    // An error that nobody caught in there has left Go in the middle of something.
    worker.onerror = (event) => this.#exit(`the worker failed: ${event.message}`);
    worker.onmessageerror = () => this.#exit('the worker sent what cannot be read');
  }

  start(module: WebAssembly.Module): void {
    this.#send({ kind: 'start', module, lock: this.#lock });
  }

  /** Waits for the lock that the worker holds: getting it means that the worker has died, however it did. */
  watch(): void {
    navigator.locks?.request(this.#lock, () => this.#exit('the worker died')).catch(() => {});
  }

  call(name: string, args: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve) => {
      const id = ++this.#calls;
      this.#replies.set(id, resolve);
      this.#send({ kind: 'call', id, name, args }, [args.buffer]);
    });
  }

  receive(message: FromWorker): void {
    switch (message.kind) {
      case 'reply':
        this.#replies.get(message.id)?.(message.reply);
        this.#replies.delete(message.id);
        break;
      case 'event':
        this.#listener.event(message.name, message.data);
        break;
      case 'exited':
        this.#exit(message.reason);
        break;
    }
  }

  end(): void {
    this.#ended = true;
    this.#worker.terminate();
  }

  #exit(reason: string): void {
    if (!this.#ended) {
      this.end();
      this.#failed(new Error(reason)); // does nothing once the core was ready
      this.#listener.exited(reason);
    }
  }

  #send(message: ToWorker, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }
}
