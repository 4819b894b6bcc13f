import type { Chat, ChatEvent, EventName } from '../api.js';
import { EVENT } from '../api.js';
import { type Message, rongMessage } from './message.js';

/** What comes with a received message. */
export interface ReceivedInfo {
  /** messages of the same batch still to come */
  left: number;
}

/** connecting, connected, disconnected; refused when it does not come back by itself. */
export type ConnectionStatus = string;

export type MessageReceivedListener = (message: Message, info: ReceivedInfo) => void;
export type MessageRecalledListener = (message: Message) => void;
export type ConnectionStatusListener = (status: ConnectionStatus) => void;
/** Lethe's events, where RongCloud has no listener: deletions here and from other devices, refusals, erasure. */
export type EventListener = (event: ChatEvent) => void;

/** The listeners, which may come before init and outlive it. */
export class Listeners {
  readonly #received = new Set<MessageReceivedListener>();
  readonly #recalled = new Set<MessageRecalledListener>();
  readonly #status = new Set<ConnectionStatusListener>();
  readonly #events = new Set<EventListener>();

  addMessageReceivedListener(listener: MessageReceivedListener): void {
    this.#received.add(listener);
  }

  removeMessageReceivedListener(listener: MessageReceivedListener): void {
    this.#received.delete(listener);
  }

  addMessageRecalledListener(listener: MessageRecalledListener): void {
    this.#recalled.add(listener);
  }

  removeMessageRecalledListener(listener: MessageRecalledListener): void {
    this.#recalled.delete(listener);
  }

  addConnectionStatusListener(listener: ConnectionStatusListener): void {
    this.#status.add(listener);
  }

  removeConnectionStatusListener(listener: ConnectionStatusListener): void {
    this.#status.delete(listener);
  }

  addEventListener(listener: EventListener): void {
    this.#events.add(listener);
  }

  removeEventListener(listener: EventListener): void {
    this.#events.delete(listener);
  }

  /** Passes on what a core says. */
  protected listenTo(chat: Chat): void {
    chat.on(EVENT.MESSAGE_RECEIVED, ({ data: { messageList } }) => {
      for (const [i, message] of messageList.entries()) {
        tell(this.#received, rongMessage(message), { left: messageList.length - 1 - i });
      }
    });
    chat.on(EVENT.MESSAGE_REVOKED, ({ data }) => {
      for (const message of data.messageList) {
        tell(this.#recalled, rongMessage(message));
      }
    });
    chat.on(EVENT.NET_STATE_CHANGE, ({ data }) => tell(this.#status, data.state));
    for (const name of Object.keys(EVENT) as EventName[]) {
      chat.on(name, (event) => tell(this.#events, event));
    }
  }
}

/** Calls every listener; an error in one is reported as uncaught and does not stop the others. */
function tell<A extends unknown[]>(listeners: Set<(...args: A) => void>, ...args: A): void {
  for (const listener of [...listeners]) {
    try {
      listener(...args);
    } catch (thrown) {
      reportError(thrown);
    }
  }
}
