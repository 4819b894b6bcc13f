import type { Message } from '../api.js';
import { button, element } from './elements.js';
import { clockTime, dayHeading } from './times.js';

/** The messages of the open conversation, oldest first, with a checkbox each. */
export class MessageList {
  readonly root: HTMLElement;
  readonly selected = new Set<string>();
  readonly #items = element('ol', { class: 'messages', 'data-testid': 'message-list' });
  readonly #earlier: HTMLButtonElement;
  readonly #selection: () => void;

  constructor(earlier: () => void, selection: () => void) {
    this.#selection = selection;
    this.#earlier = button('Load earlier', { class: 'quiet earlier', 'data-testid': 'load-earlier' }, earlier);
    this.root = element(
      'div',
      { class: 'scroll', tabindex: '0', 'aria-label': 'Messages' },
      this.#earlier,
      this.#items,
    );
  }

  /** Shows messages. atEnd scrolls to the newest; else what is in sight stays where it is. */
  show(messages: Message[], isCompleted: boolean, atEnd: boolean): void {
    const known = new Set(messages.map((message) => message.ID));
    for (const id of this.selected) {
      if (!known.has(id)) {
        this.selected.delete(id);
      }
    }
    const { scrollHeight, scrollTop, clientHeight } = this.root;
    const fromEnd = scrollHeight - scrollTop;
    const wasAtEnd = fromEnd - clientHeight < 40;
    this.#earlier.hidden = isCompleted;
    this.#items.replaceChildren(...this.#rows(messages));
    this.root.scrollTop = this.root.scrollHeight - (atEnd || wasAtEnd ? 0 : fromEnd);
    this.#selection();
  }

  clearSelection(): void {
    this.selected.clear();
    for (const box of this.#items.querySelectorAll<HTMLInputElement>('input:checked')) {
      box.checked = false;
    }
    this.#selection();
  }

  *#rows(messages: Message[]): Generator<HTMLElement> {
    if (messages.length === 0) {
      yield element('li', { class: 'empty' }, 'Nothing here.');
    }
    let before: Message | undefined;
    for (const message of messages) {
      const newDay = !before || dayHeading(before.sentTime) !== dayHeading(message.sentTime);
      if (newDay) {
        yield element('li', { class: 'day' }, dayHeading(message.sentTime));
      }
      const follows = !newDay && before?.from === message.from && message.sentTime - before.sentTime < 300_000;
      yield this.#row(message, follows);
      before = message;
    }
  }

  #row(message: Message, follows: boolean): HTMLElement {
    const box = element('input', {
      type: 'checkbox',
      'data-testid': 'select',
      'aria-label': 'Select this message',
      checked: this.selected.has(message.ID),
    });
    box.addEventListener('change', () => {
      if (box.checked) {
        this.selected.add(message.ID);
      } else {
        this.selected.delete(message.ID);
      }
      this.#selection();
    });
    const bubble = element('div', { class: 'bubble' });
    if (message.flow === 'in' && ['GROUP', 'ROOM'].includes(message.conversationType) && !follows) {
      bubble.append(element('span', { class: 'from' }, message.from));
    }
    bubble.append(
      element('span', { class: 'text', 'data-testid': 'text' }, wordsOf(message)),
      element('span', { class: 'meta' }, clockTime(message.sentTime), statusMark(message)),
    );
    return element(
      'li',
      {
        class: `message ${message.flow}${follows ? ' follows' : ''}${message.isRevoked ? ' recalled' : ''}`,
        'data-testid': 'message',
        'data-id': message.ID,
        'data-seq': String(message.seq),
        'data-status': message.status,
      },
      element('label', {}, box, bubble),
    );
  }
}

function wordsOf(message: Message): string {
  if (message.isRevoked) {
    return `${message.revoker || 'An administrator'} recalled a message`;
  }
  return message.type === 'TIMTextElem' ? String(message.payload.text) : JSON.stringify(message.payload);
}

function statusMark(message: Message): string {
  if (message.flow === 'in' || message.isRevoked) {
    return '';
  }
  const marks: Record<string, string> = { success: ' ✓', unSend: ' · waiting', fail: ' · not sent' };
  return marks[message.status] ?? '';
}
