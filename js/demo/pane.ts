import type { Chat, EventName, Message } from '../api.js';
import { ConversationList } from './conversation-list.js';
import { type Deletions, deletionPanel, SelectionBar, told } from './deletions.js';
import { avatar, button, element } from './elements.js';
import { EventLog, Inspector } from './inspector.js';
import { MessageList } from './message-list.js';
import { LOBBY } from './room.js';

const PAGE = 50;
const ERRORS: EventName[] = ['MESSAGE_FAILED', 'DELETION_REFUSED', 'SDK_NOT_READY', 'ERROR'];

/** One device of a person, over one chat. */
export class Pane {
  readonly root: HTMLElement;
  readonly #chat: Chat;
  readonly #userID: string;
  readonly #list = new ConversationList(
    (conversationID) => this.#open(conversationID),
    () => this.#joinLobby(),
  );
  readonly #messages = new MessageList(
    () => this.#earlier(),
    () => this.#showSelection(),
  );
  readonly #inspector = new Inspector();
  readonly #log = new EventLog();
  readonly #state = element('span', { class: 'state', 'data-testid': 'net-state' }, 'connecting');
  readonly #title = element('h3', {});
  readonly #id = element('span', { class: 'id', 'data-testid': 'open-conversation' });
  readonly #text = element('input', {
    placeholder: 'Message',
    'aria-label': 'Message',
    autocomplete: 'off',
    'data-testid': 'composer',
  });
  readonly #composer = element('form', { class: 'composer' }, this.#text);
  readonly #toggle = button(
    'Delete…',
    { class: 'quiet', 'aria-expanded': 'false', 'data-testid': 'open-deletions' },
    () => this.#showPanel(this.#panel.hidden === true),
  );
  readonly #leave = button('Leave', { class: 'quiet', 'data-testid': 'quit-room' }, () => this.#quitRoom());
  readonly #panel: HTMLElement;
  readonly #selection: SelectionBar;
  readonly #conversation: HTMLElement;
  #current = '';
  #shown: Message[] = [];
  #next = '';
  #isCompleted = true;
  #waiting: number | undefined;
  #isLoggedIn = false;

  /** switches stand in the header, before the one for the network. */
  constructor(chat: Chat, userID: string, isSecond: boolean, ...switches: HTMLElement[]) {
    this.#chat = chat;
    this.#userID = userID;
    const deletions = this.#deletions();
    this.#panel = deletionPanel(deletions);
    this.#selection = new SelectionBar(deletions, () => this.#messages.clearSelection());
    this.#conversation = this.#conversationView();
    this.root = element(
      'section',
      {
        class: 'pane',
        'data-testid': `pane-${userID}${isSecond ? '-second' : ''}`,
        'aria-label': isSecond ? `${userID}, second device` : userID,
      },
      this.#header(isSecond, switches),
      element('div', { class: 'body' }, this.#list.root, this.#conversation),
      this.#inspector.root,
      this.#log.root,
    );
    this.#listen();
  }

  /** Logs in and opens the newest conversation. */
  start(token: string): Promise<void> {
    return this.#try('login', () => this.#login(token));
  }

  async #login(token: string): Promise<void> {
    const { data } = await this.#chat.login({ userID: this.#userID, token });
    this.#isLoggedIn = true;
    this.#setState(data.connected ? 'connected' : 'disconnected');
    await this.#refresh();
  }

  #header(isSecond: boolean, switches: HTMLElement[]): HTMLElement {
    const offline = element('input', { type: 'checkbox', role: 'switch', 'data-testid': 'offline' });
    offline.addEventListener('change', () => {
      this.#try('setOnline', async () => {
        await this.#chat.setOnline(!offline.checked);
      });
    });
    return element(
      'header',
      { class: 'who' },
      avatar(this.#userID),
      element('h2', {}, this.#userID),
      element('span', { class: 'device', hidden: !isSecond }, 'second device'),
      this.#state,
      element(
        'div',
        { class: 'switches' },
        ...switches,
        element('label', { class: 'switch away' }, 'Offline', offline),
      ),
    );
  }

  #conversationView(): HTMLElement {
    this.#composer.append(element('button', { class: 'solid', 'data-testid': 'send' }, 'Send'));
    this.#composer.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#send();
    });
    return element(
      'div',
      { class: 'conversation-view', hidden: true },
      element('div', { class: 'title' }, this.#title, this.#id, this.#leave, this.#toggle),
      this.#panel,
      this.#messages.root,
      this.#composer,
      this.#selection.root,
    );
  }

  #listen(): void {
    const names: EventName[] = [
      'CONVERSATION_LIST_UPDATED',
      'MESSAGE_RECEIVED',
      'MESSAGE_SENT',
      'MESSAGE_FAILED',
      'MESSAGE_DELETED',
      'HISTORY_CLEARED',
      'CONVERSATION_DELETED',
      'DELETION_ACKNOWLEDGED',
      'DELETION_REFUSED',
      'ERASED',
      'MESSAGE_REVOKED',
      'ROOM_CLOSED',
      'NET_STATE_CHANGE',
      'SDK_NOT_READY',
      'ERROR',
    ];
    for (const name of names) {
      this.#chat.on(name, ({ data }) => {
        this.#log.write(`${name} ${JSON.stringify(data)}`, ERRORS.includes(name) ? 'error' : 'aside');
        this.#refreshSoon();
      });
    }
    this.#chat.on('NET_STATE_CHANGE', ({ data }) => this.#setState(data.state));
  }

  #setState(state: string): void {
    this.#state.textContent = state;
    this.#state.dataset.state = state;
  }

  /** Several events come with one change; one look at the device answers all of them. */
  #refreshSoon(): void {
    if (this.#isLoggedIn) {
      window.clearTimeout(this.#waiting);
      this.#waiting = window.setTimeout(() => this.#try('refresh', () => this.#refresh()), 30);
    }
  }

  /** Shows everything anew, and the newest conversation where none is open. */
  async #refresh(): Promise<void> {
    const { data } = await this.#chat.getConversationList();
    if (this.#isRoom && !data.conversationList.some((c) => c.conversationID === this.#current)) {
      this.#current = ''; // the room was left or closed, and nothing of it is here any more
      this.#conversation.hidden = true;
    }
    this.#list.show(data.conversationList, this.#current);
    const newest = data.conversationList[0];
    if (this.#current === '' && newest) {
      await this.#open(newest.conversationID);
      return;
    }
    if (this.#current !== '') {
      await this.#load(Math.max(this.#shown.length, PAGE), false);
      await this.#markRead(data.conversationList.find((c) => c.conversationID === this.#current)?.unreadCount ?? 0);
      await this.#inspect();
    }
  }

  get #isRoom(): boolean {
    return this.#current.startsWith('ROOM');
  }

  #joinLobby(): Promise<void> {
    return this.#try('joinRoom', async () => {
      await this.#chat.joinRoom(LOBBY);
      this.#log.write('Joined the lobby with this device.');
      await this.#refresh();
      await this.#open(`ROOM${LOBBY}`);
    });
  }

  #quitRoom(): Promise<void> {
    return this.#try('quitRoom', async () => {
      await this.#chat.quitRoom(this.#current.slice('ROOM'.length));
      this.#log.write('Left; this device’s copy of the room is gone.');
      await this.#refresh();
    });
  }

  async #open(conversationID: string): Promise<void> {
    await this.#try('open', async () => {
      this.#current = conversationID;
      this.#shown = [];
      this.#title.textContent = this.#list.nameOf(conversationID);
      this.#id.textContent = conversationID;
      this.#conversation.hidden = false;
      this.#leave.hidden = !this.#isRoom;
      this.#toggle.hidden = this.#isRoom;
      this.#showPanel(false);
      this.#messages.clearSelection();
      await this.#load(PAGE, true);
      await this.#refresh();
    });
  }

  /** Reads the newest messages of the open conversation, page by page up to count. */
  async #load(count: number, atEnd: boolean): Promise<void> {
    const conversationID = this.#current;
    let messages: Message[] = [];
    let next = '';
    let isCompleted = false;
    while (!isCompleted && messages.length < count) {
      const page = await this.#page(conversationID, Math.min(count - messages.length, 1024), next);
      messages = [...page.messageList, ...messages];
      next = page.nextReqMessageID;
      isCompleted = page.isCompleted || page.messageList.length === 0;
    }
    if (conversationID === this.#current) {
      this.#shown = messages;
      this.#next = next;
      this.#isCompleted = isCompleted;
      this.#messages.show(messages, isCompleted, atEnd);
    }
  }

  async #page(conversationID: string, count: number, nextReqMessageID: string) {
    try {
      return (await this.#chat.getMessageList({ conversationID, count, nextReqMessageID })).data;
    } catch (thrown) {
      if ((thrown as { code?: number }).code === Lethe.ErrorCode.CONVERSATION_NOT_FOUND) {
        return { messageList: [], nextReqMessageID: '', isCompleted: true }; // a chat that is about to begin
      }
      throw thrown;
    }
  }

  #earlier(): Promise<void> {
    return this.#try('load earlier', async () => {
      if (!this.#isCompleted) {
        const page = await this.#page(this.#current, PAGE, this.#next);
        this.#shown = [...page.messageList, ...this.#shown];
        this.#next = page.nextReqMessageID;
        this.#isCompleted = page.isCompleted;
        this.#messages.show(this.#shown, page.isCompleted, false);
        await this.#inspect();
      }
    });
  }

  async #markRead(unread: number): Promise<void> {
    if (unread > 0 && document.visibilityState === 'visible') {
      await this.#chat.setMessageRead({ conversationID: this.#current });
    }
  }

  async #inspect(): Promise<void> {
    const { data } = await this.#chat.inspectConversation(this.#current);
    if (data.conversationID === this.#current) {
      this.#inspector.show(data);
    }
  }

  #send(): void {
    const text = this.#text.value.trim();
    if (text === '' || this.#current === '') {
      return;
    }
    this.#text.value = '';
    this.#try('sendMessage', async () => {
      const conversationType = (['GROUP', 'ROOM'] as const).find((type) => this.#current.startsWith(type)) ?? 'C2C';
      const to = this.#current.slice(conversationType.length);
      const message = this.#chat.createTextMessage({ to, conversationType, payload: { text } });
      await this.#chat.sendMessage(message);
      await this.#load(this.#shown.length + 1, true);
    });
  }

  #deletions(): Deletions {
    const act = (name: string, work: () => Promise<string>): Promise<void> =>
      this.#try(name, async () => {
        this.#log.write(await work());
        this.#messages.clearSelection();
        this.#showPanel(false);
        await this.#refresh();
      });
    return {
      clearHistory: () =>
        act('clearHistoryMessage', async () => {
          await this.#chat.clearHistoryMessage(this.#current);
          return `The history of ${this.#current} was cleared.`;
        }),
      deleteConversation: (keepHistory) =>
        act('deleteConversation', async () => {
          const conversationID = this.#current;
          await this.#chat.deleteConversation({
            conversationIDList: [conversationID],
            clearHistoryMessage: !keepHistory,
          });
          return `${conversationID} was deleted${keepHistory ? ' from the list; its messages stay' : ''}.`;
        }),
      deleteBefore: (before, scope) =>
        act('deleteMessages', async () => {
          const { data } = await this.#chat.deleteMessages({ conversationID: this.#current, before }, { scope });
          return told(data);
        }),
      deleteSelected: (scope) =>
        act('deleteMessages', async () => {
          const { data } = await this.#chat.deleteMessages({ messages: this.#selected() }, { scope });
          return told(data);
        }),
      recallSelected: () =>
        act('revokeMessage', async () => {
          const messages = this.#selected();
          for (const message of messages) {
            await this.#chat.revokeMessage(message);
          }
          return `${messages.length} recalled, from everybody.`;
        }),
    };
  }

  #showPanel(open: boolean): void {
    this.#panel.hidden = !open;
    this.#toggle.setAttribute('aria-expanded', String(open));
  }

  #selected(): Message[] {
    return this.#shown.filter((message) => this.#messages.selected.has(message.ID));
  }

  #showSelection(): void {
    const selected = this.#selected();
    const own = selected.every(({ flow, seq, isRevoked }) => flow === 'out' && seq > 0 && !isRevoked);
    this.#selection.show(selected.length, { delete: !this.#isRoom, recall: own });
    this.#composer.hidden = selected.length > 0;
  }

  /** Does something and tells what went wrong, if it did. */
  async #try(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      this.#log.write(`${what}: ${thrown}`, 'error');
    }
  }
}
