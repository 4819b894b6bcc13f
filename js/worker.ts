import { type GoCore, runGo } from './runtime.js';
import type { FromWorker, ToWorker } from './worker-messages.js';

// The dedicated worker that a core lives in. It passes bytes on and looks into none of them.

const page = globalThis as unknown as {
  onmessage: (message: MessageEvent<ToWorker>) => void;
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
};

let core: GoCore;

page.onmessage = ({ data: message }) => {
  switch (message.kind) {
    case 'start':
      holdLock(message.lock, () => start(message.module));
      break;
    case 'call': {
      const { id } = message;
      core.call(message.name, message.args).then((reply) => {
        page.postMessage({ kind: 'reply', id, reply }, [reply.buffer]);
      });
      break;
    }
  }
};

page.postMessage({ kind: 'hello' });

function start(module: WebAssembly.Module): void {
  runGo(
    module,
    (name, data) => page.postMessage({ kind: 'event', name, data }, [data.buffer]),
    (reason) => page.postMessage({ kind: 'exited', reason }),
  ).then(
    (ready) => {
      core = ready;
      page.postMessage({ kind: 'ready' });
    },
    () => {}, // exited has told it
  );
}

/** Holds the lock for as long as this worker lives: a browser tells a page nothing else of a worker's death. */
function holdLock(name: string, held: () => void): void {
  if (!navigator.locks) {
    held();
    return;
  }
  const forever = new Promise<never>(() => {});
  navigator.locks
    .request(name, () => {
      held();
      return forever;
    })
    .catch(held); // refused here (an opaque origin): go on without
}
