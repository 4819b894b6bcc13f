import { defineGo } from 'go:wasm_exec';

/** The functions that wasm/chat.go hands over. */
export interface GoCore {
  call(name: string, args: Uint8Array): Promise<Uint8Array>;
  exit(): void;
}

/** What wasm/main.go finds under the name in its arguments. */
interface Host {
  ready(core: GoCore): void;
  event(name: string, data: Uint8Array): void;
}

interface GoRuntime {
  argv: string[];
  importObject: WebAssembly.Imports;
  exit(code: number): void;
  run(instance: WebAssembly.Instance): Promise<void>;
  _resume(): void;
  _scheduledTimeouts: Map<number, ReturnType<typeof setTimeout>>;
}

let count = 0;

/**
 * Runs the core in this realm (a worker's or the page's). Resolves when Go is ready; rejects when it ends before that.
 * Afterwards exited tells of its end.
 */
export function runGo(
  module: WebAssembly.Module,
  event: (name: string, data: Uint8Array) => void,
  exited: (reason: string) => void,
): Promise<GoCore> {
  return new Promise((resolve, reject) => {
    const globals = globalThis as unknown as Record<string, unknown>;
    const name = `lethe host ${++count}`;
    const host: Host = {
      ready(core) {
        delete globals[name];
        resolve(core);
      },
      event,
    };
    globals[name] = host;
    const go = newGo(globals);
    go.argv = ['lethe', name];
    let status = 0;
    go.exit = (code) => {
      status = code;
      // What the browser still calls of it does nothing, instead of throwing into the page.
      go._resume = () => {};
      for (const timeout of go._scheduledTimeouts.values()) {
        clearTimeout(timeout);
      }
    };
    const end = (reason: string) => {
      reject(new Error(reason)); // does nothing once Go was ready
      exited(reason);
    };
    WebAssembly.instantiate(module, go.importObject)
      .then((instance) => go.run(instance))
      .then(() => end(`the core ended with status ${status}`))
      .catch((thrown) => end(`the core failed: ${thrown}`));
  });
}

/** Takes the runtime's class and leaves another one that the page may have for its own Go programs. */
function newGo(globals: Record<string, unknown>): GoRuntime {
  const before = globals.Go;
  defineGo();
  const Go = globals.Go as new () => GoRuntime;
  if (before === undefined) {
    delete globals.Go;
  } else {
    globals.Go = before;
  }
  return new Go();
}
