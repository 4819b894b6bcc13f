import type { Core, CoreListener } from './core.js';
import { runGo } from './runtime.js';

/** Runs Go in the page itself, for pages that can have no worker. */
export async function startPageCore(module: WebAssembly.Module, listener: CoreListener): Promise<Core> {
  let ended = false;
  const go = await runGo(
    module,
    // A turn of its own: a handler may call the core, and Go is in the middle of this event.
    (name, data) => queueMicrotask(() => ended || listener.event(name, data)),
    (reason) => ended || listener.exited(reason),
  );
  return {
    place: 'page',
    call: (name, args) => go.call(name, args),
    end() {
      ended = true;
      go.exit();
    },
  };
}
