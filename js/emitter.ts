import { LetheError } from './errors.js';
import { ErrorCode, EVENT, type EventData } from './types.gen.js';

export type EventName = keyof EventData;

/** What a handler is given. */
export interface ChatEvent<K extends EventName = EventName> {
  name: K;
  data: EventData[K];
}

export type Handler<K extends EventName = EventName> = (event: ChatEvent<K>) => void;

/** The handlers of one chat. */
export class Emitter {
  readonly #handlers = new Map<string, Set<Handler<never>>>();

  /** Throws a LetheError for an event that does not exist: it would never come. */
  add<K extends EventName>(name: K, handler: Handler<K>): void {
    if (!Object.hasOwn(EVENT, name) || typeof handler !== 'function') {
      throw new LetheError(ErrorCode.PARAMETER_INVALID, `on needs an event's name and a function; got ${String(name)}`);
    }
    const handlers = this.#handlers.get(name) ?? new Set();
    this.#handlers.set(name, handlers.add(handler));
  }

  remove<K extends EventName>(name: K, handler: Handler<K>): void {
    this.#handlers.get(name)?.delete(handler);
  }

  /** Calls every handler; an error in one is reported as uncaught and does not stop the others. */
  emit(name: string, data: unknown): void {
    for (const handler of [...(this.#handlers.get(name) ?? [])]) {
      try {
        (handler as (event: unknown) => void)({ name, data });
      } catch (thrown) {
        reportError(thrown);
      }
    }
  }
}
