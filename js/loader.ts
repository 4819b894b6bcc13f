import type { Core, CoreListener } from './core.js';
import { LetheError, textOf } from './errors.js';
import { startPageCore } from './page-core.js';
import { ErrorCode } from './types.gen.js';
import { startWorker, startWorkerCore } from './worker-core.js';

/** Where the core's parts are and where it shall run. */
export interface LoadOptions {
  /** The address of lethe.wasm. Beside the script if absent. */
  wasmURL?: string | undefined;
  /** The address of lethe.worker.js on this origin, for pages whose CSP forbids workers from blob: addresses. */
  workerURL?: string | undefined;
  /** false runs the core in the page. If absent it runs in a worker, or in the page where no worker can be made. */
  worker?: boolean | undefined;
}

/** Compiled once a page, however many chats there are; workers are sent the compiled module. */
const modules = new Map<string, Promise<WebAssembly.Module>>();

/** Starts a core. Rejects with a LetheError. */
export async function startCore(wasmURL: string, options: LoadOptions, listener: CoreListener): Promise<Core> {
  const starting = workerFor(options);
  try {
    const [module, worker] = await Promise.all([moduleAt(wasmURL), starting]);
    return await (worker ? startWorkerCore(worker, module, listener) : startPageCore(module, listener));
  } catch (thrown) {
    starting.then(
      (worker) => worker?.terminate(),
      () => {},
    );
    throw thrown instanceof LetheError ? thrown : new LetheError(ErrorCode.RUNTIME_EXITED, textOf(thrown));
  }
}

function moduleAt(url: string): Promise<WebAssembly.Module> {
  const known = modules.get(url);
  if (known) {
    return known;
  }
  const compiled = compile(url);
  modules.set(url, compiled);
  compiled.catch(() => modules.delete(url)); // the next chat may have more luck
  return compiled;
}

async function compile(url: string): Promise<WebAssembly.Module> {
  let response: Response;
  try {
    response = await fetch(url);
  } catch (thrown) {
    throw new LetheError(ErrorCode.NETWORK_ERROR, `${url}: ${textOf(thrown)}`);
  }
  if (!response.ok) {
    throw new LetheError(ErrorCode.NETWORK_ERROR, `${url}: HTTP ${response.status}`);
  }
  try {
    // Only exactly this type compiles while it streams in; servers that know no better send another.
    const streams = response.headers.get('Content-Type')?.toLowerCase() === 'application/wasm';
    return await (streams ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer()));
  } catch (thrown) {
    throw new LetheError(ErrorCode.RUNTIME_EXITED, `${url}: ${textOf(thrown)}`);
  }
}

/** A worker, or nothing where the core shall run in the page. */
async function workerFor({ worker, workerURL }: LoadOptions): Promise<Worker | undefined> {
  if (worker === false) {
    return undefined;
  }
  try {
    return await startWorker(workerURL);
  } catch (thrown) {
    if (workerURL !== undefined) {
      throw new LetheError(ErrorCode.RUNTIME_EXITED, `${workerURL}: ${textOf(thrown)}`);
    }
    console.warn('lethe: the core runs in the page;', textOf(thrown));
    return undefined;
  }
}
