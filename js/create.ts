import { Calls } from './calls.js';
import { Chat } from './chat.js';
import { Emitter } from './emitter.js';
import { LetheError } from './errors.js';
import { type LoadOptions, startCore } from './loader.js';
import { ErrorCode } from './types.gen.js';

/** What Lethe.create takes. */
export interface CreateOptions extends LoadOptions {
  /** The server: http(s):// or ws(s)://. */
  url: string;
  /** The app of the tokens. */
  appID?: string;
}

/** Makes Lethe.create. findWasm tells where lethe.wasm is when the caller does not. */
export function creator(findWasm: () => string): (options: CreateOptions) => Promise<Chat> {
  return async (options) => {
    if (typeof options !== 'object' || options === null) {
      throw new LetheError(ErrorCode.PARAMETER_INVALID, 'create needs {url}');
    }
    const { url, appID = 'lethe', wasmURL = findWasm(), ...load } = options;
    const emitter = new Emitter();
    const calls = await Calls.over((listener) => startCore(wasmURL, load, listener), emitter);
    try {
      await calls.call('open', { url, appID });
    } catch (thrown) {
      calls.end();
      throw thrown;
    }
    return new Chat(calls, emitter);
  };
}
