import { checkedRequest } from './arguments.js';
import { decode, encode } from './codec.js';
import type { Core, CoreListener } from './core.js';
import type { Emitter } from './emitter.js';
import { LetheError, textOf } from './errors.js';
import type { Traceparent } from './trace.js';
import { ErrorCode, EVENT, type Methods } from './types.gen.js';

/** What every call resolves to. */
export interface Response<T> {
  code: 0;
  data: T;
}

type Reply = Response<unknown> | { code: number; message: string; data?: unknown };

/** Calls of one core: encoded, sent, decoded, and rejected when the core is gone. */
export class Calls {
  readonly #core: Core;
  readonly #trace: Traceparent | undefined;
  readonly #pending = new Set<(gone: LetheError) => void>();
  #gone: LetheError | undefined;

  /** start is given who listens, so that nothing of the core's first words is missed. */
  static async over(
    start: (listener: CoreListener) => Promise<Core>,
    emitter: Emitter,
    trace?: Traceparent | undefined,
  ): Promise<Calls> {
    let calls: Calls | undefined;
    const core = await start({
      event: (name, data) => emitter.emit(name, decode(data)),
      exited: (reason) => {
        if (calls) {
          calls.#stop(reason);
        }
        emitter.emit(EVENT.ERROR, { code: ErrorCode.RUNTIME_EXITED, message: reason });
      },
    });
    calls = new Calls(core, trace);
    return calls;
  }

  private constructor(core: Core, trace: Traceparent | undefined) {
    this.#core = core;
    this.#trace = trace;
  }

  get place(): 'worker' | 'page' {
    return this.#core.place;
  }

  /** Runs a method of the core's table. Rejects with a LetheError, never throws. */
  async call<M extends keyof Methods>(method: M, request: unknown): Promise<Response<Methods[M]['result']>> {
    if (this.#gone) {
      throw this.#gone;
    }
    const args = encodeRequest(method, request);
    const parent = this.#trace?.();
    const reply = await this.#answer(parent ? `${method} ${parent}` : method, args);
    if (reply.code !== 0) {
      const failure = reply as { code: number; message: string; data?: unknown };
      throw new LetheError(failure.code, failure.message, failure.data);
    }
    return reply as Response<Methods[M]['result']>;
  }

  /** Ends the core. Calls that it has not answered reject. */
  end(): void {
    if (!this.#gone) {
      this.#core.end();
      this.#stop('the chat was destroyed');
    }
  }

  #answer(method: string, args: Uint8Array): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#pending.add(reject);
      this.#core
        .call(method, args)
        .then((bytes) => decode(bytes) as Reply)
        .then(resolve, (thrown) => reject(new LetheError(ErrorCode.INTERNAL, textOf(thrown))))
        .finally(() => this.#pending.delete(reject));
    });
  }

  #stop(reason: string): void {
    this.#gone = new LetheError(ErrorCode.RUNTIME_EXITED, reason);
    for (const reject of this.#pending) {
      reject(this.#gone);
    }
    this.#pending.clear();
  }
}

function encodeRequest(method: keyof Methods, request: unknown): Uint8Array {
  const args = checkedRequest(method, request);
  try {
    return encode(args);
  } catch (thrown) {
    throw new LetheError(ErrorCode.PARAMETER_INVALID, textOf(thrown));
  }
}
