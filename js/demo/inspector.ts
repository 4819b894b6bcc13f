import type { InspectResult } from '../api.js';
import { element } from './elements.js';

const REMEMBERED = 60;

/** The strip under a conversation: what the device and the server hold of it. */
export class Inspector {
  readonly root: HTMLElement;
  readonly #title = element('span', { class: 'of', 'data-testid': 'inspect-conversation' });
  readonly #cells = new Map<string, HTMLElement>();

  constructor() {
    this.root = element(
      'section',
      { class: 'inspector', 'aria-label': 'What is held of this conversation', 'data-testid': 'inspect' },
      element('h3', {}, 'Held of ', this.#title),
      this.#group('On this device', ['messages', 'records', 'bytes', 'outbox']),
      this.#group('On the server, for this user', ['server']),
    );
  }

  show(result: InspectResult): void {
    this.#title.textContent = result.conversationID;
    this.#set('messages', result.messages, 'message', 'messages');
    this.#set('records', result.records, 'record', 'records');
    this.#set('bytes', result.bytes, 'byte', 'bytes');
    this.#set('outbox', result.outbox, 'in outbox', 'in outbox');
    if (result.server === null) {
      this.#cell('server').replaceChildren(element('span', { class: 'unknown' }, 'not reached'));
    } else {
      this.#set('server', result.server, 'message', 'messages');
    }
  }

  #group(title: string, names: string[]): HTMLElement {
    const group = element('dl', {}, element('dt', {}, title));
    for (const name of names) {
      const cell = element('dd', { 'data-testid': `inspect-${name}` }, '–');
      this.#cells.set(name, cell);
      group.append(cell);
    }
    return group;
  }

  #set(name: string, value: number, one: string, many: string): void {
    const cell = this.#cell(name);
    cell.dataset.value = String(value);
    cell.replaceChildren(element('b', {}, value.toLocaleString()), ` ${value === 1 ? one : many}`);
  }

  #cell(name: string): HTMLElement {
    return this.#cells.get(name) as HTMLElement;
  }
}

/** What was done last in one line; the events behind it. */
export class EventLog {
  readonly root: HTMLElement;
  readonly #newest = element('span', { class: 'newest', role: 'status', 'data-testid': 'log' }, 'Nothing done yet');
  readonly #lines = element('ol', { class: 'lines' });

  constructor() {
    this.root = element(
      'details',
      { class: 'log' },
      element('summary', {}, element('span', { class: 'caption' }, 'Log'), this.#newest),
      this.#lines,
    );
  }

  /** Asides stand only among the lines, so that what somebody did stays in sight. */
  write(text: string, kind: 'done' | 'error' | 'aside' = 'done'): void {
    const time = new Date().toLocaleTimeString();
    if (kind !== 'aside') {
      this.#newest.textContent = text;
      this.#newest.className = `newest ${kind}`;
    }
    this.#lines.prepend(element('li', { class: kind }, element('time', {}, time), ` ${text}`));
    while (this.#lines.childElementCount > REMEMBERED) {
      this.#lines.lastElementChild?.remove();
    }
  }
}
