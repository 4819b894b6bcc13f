import { Calls } from './calls.js';
import { Chat } from './chat.js';
import { Emitter } from './emitter.js';
import { LetheError } from './errors.js';
import { type LoadOptions, startCore } from './loader.js';
import { type Traceparent, tracing } from './trace.js';
import { ErrorCode } from './types.gen.js';

/** What Lethe.create takes. */
export interface CreateOptions extends LoadOptions {
  /** The server: http(s):// or ws(s)://. */
  url: string;
  /** The app of the tokens. */
  appID?: string;
  /**
   * Lets the server trace what calls do, in OpenTelemetry, where it is set up for that: true begins a trace with each call; a
   * function gives the W3C traceparent that a call goes on with, or nothing for one that is not traced.
   */
  trace?: boolean | Traceparent | undefined;
}

/** Makes Lethe.create. findWasm tells where lethe.wasm is when the caller does not. */
export function creator(findWasm: () => string): (options: CreateOptions) => Promise<Chat> {
  return async (options) => {
    if (typeof options !== 'object' || options === null) {
      throw new LetheError(ErrorCode.PARAMETER_INVALID, 'create needs {url}');
    }
    const { url, appID = 'lethe', wasmURL = findWasm(), trace, ...load } = options;
    const emitter = new Emitter();
    const calls = await Calls.over((listener) => startCore(wasmURL, load, listener), emitter, tracing(trace));
    try {
      await calls.call('open', { url, appID });
    } catch (thrown) {
      calls.end();
      throw thrown;
    }
    return new Chat(calls, emitter);
  };
}
