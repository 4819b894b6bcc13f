import type { Conversation } from '../api.js';
import { avatar, button, element } from './elements.js';
import { roomRow } from './room.js';
import { listTime } from './times.js';

/** The list of conversations of one person. */
export class ConversationList {
  readonly root: HTMLElement;
  readonly #items = element('ul', { class: 'conversations', 'data-testid': 'conversation-list' });
  readonly #names = new Map<string, string>();
  readonly #open: (conversationID: string) => void;
  readonly #room: HTMLElement;

  constructor(open: (conversationID: string) => void, join: () => Promise<void>) {
    this.#open = open;
    this.#room = roomRow(join);
    const to = element('input', {
      placeholder: 'New chat with…',
      'aria-label': 'New chat with this user',
      'data-testid': 'new-chat',
      autocomplete: 'off',
    });
    const form = element('form', { class: 'new-chat' }, to);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (to.value.trim() !== '') {
        open(`C2C${to.value.trim()}`);
        to.value = '';
      }
    });
    this.root = element('nav', { class: 'side', 'aria-label': 'Conversations' }, this.#items, this.#room, form);
  }

  show(conversations: Conversation[], current: string): void {
    for (const { conversationID, name } of conversations) {
      this.#names.set(conversationID, name || 'Notices');
    }
    this.#items.replaceChildren(...conversations.map((conversation) => this.#item(conversation, current)));
    this.#room.hidden = conversations.some(({ type }) => type === 'ROOM');
    if (conversations.length === 0) {
      this.#items.append(element('li', { class: 'empty' }, 'No conversations.'));
    }
  }

  /** The name of a conversation that was in the list, or what its ID says. */
  nameOf(conversationID: string): string {
    return this.#names.get(conversationID) ?? conversationID.replace(/^(C2C|GROUP|ROOM)/, '');
  }

  #item(conversation: Conversation, current: string): HTMLElement {
    const { conversationID, type, unreadCount, lastMessage, lastTime } = conversation;
    const name = conversation.name || 'Notices';
    const isCurrent = conversationID === current;
    const item = button(
      '',
      {
        class: 'conversation',
        'data-testid': 'conversation',
        'data-id': conversationID,
        'aria-current': isCurrent ? 'true' : 'false',
      },
      () => this.#open(conversationID),
    );
    const sender =
      (type === 'GROUP' || type === 'ROOM') && lastMessage?.messageForShow ? `${lastMessage.fromAccount}: ` : '';
    const preview = conversation.draft
      ? `Draft: ${conversation.draft}`
      : lastMessage
        ? sender + lastMessage.messageForShow
        : 'No messages';
    item.append(
      avatar(name),
      element(
        'span',
        { class: 'summary' },
        element('span', { class: 'name' }, name),
        element('time', {}, listTime(lastTime)),
        element('span', { class: 'preview', 'data-testid': 'preview' }, preview),
        unreadCount > 0
          ? element(
              'span',
              { class: 'badge', 'data-testid': 'unread', 'aria-label': `${unreadCount} unread` },
              unreadCount > 99 ? '99+' : String(unreadCount),
            )
          : '',
      ),
    );
    return element('li', {}, item);
  }
}
