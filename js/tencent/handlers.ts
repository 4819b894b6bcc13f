import { ErrorCode } from '../api.js';
import { ImError } from './errors.js';
import { EVENT } from './names.js';

/** What a handler is given. */
export interface ImEvent {
  name: string;
  // biome-ignore lint/suspicious/noExplicitAny: each event's data has a shape of its own, as in Tencent's types
  data: any;
}

export type Handler = (event: ImEvent) => void;

interface Registration {
  handler: Handler;
  context: unknown;
  once: boolean;
}

/** The handlers of one chat, by Tencent's rules: any number an event, each with its `this`. */
export class Handlers {
  readonly #registered = new Map<string, Registration[]>();

  /** An event that Lethe does not have is no error, so that code written for Tencent's runs, but it is said. */
  add(name: string, handler: Handler, context: unknown, once: boolean): void {
    if (typeof handler !== 'function') {
      throw new ImError(ErrorCode.PARAMETER_INVALID, `on(${String(name)}): a function is needed`);
    }
    if (!Object.values<unknown>(EVENT).includes(name)) {
      console.warn(`lethe: the event ${String(name)} never comes`);
      return;
    }
    this.#registered.set(name, [...(this.#registered.get(name) ?? []), { handler, context, once }]);
  }

  remove(name: string, handler: Handler, context?: unknown): void {
    const left = this.#registered
      .get(name)
      ?.filter((one) => one.handler !== handler || (context !== undefined && one.context !== context));
    this.#registered.set(name, left ?? []);
  }

  /** Calls every handler; an error in one is reported as uncaught and does not stop the others. */
  emit(name: string, data: unknown): void {
    const called = this.#registered.get(name) ?? [];
    this.#registered.set(
      name,
      called.filter(({ once }) => !once),
    );
    for (const { handler, context } of called) {
      try {
        handler.call(context, { name, data });
      } catch (thrown) {
        reportError(thrown);
      }
    }
  }
}
