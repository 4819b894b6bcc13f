import type { Chat } from '../api.js';
import { EVENT as CORE, ErrorCode, LetheError } from '../api.js';
import { imCode, imError } from './errors.js';
import type { Handlers } from './handlers.js';
import { EVENT, TYPES } from './names.js';
import { imConversation, imMessage } from './shapes.js';

/** Says the core's events in Tencent's names and shapes. */
export class Events {
  readonly #handlers: Handlers;
  #unread = 0;
  #changed = false;
  #telling = false;

  constructor(handlers: Handlers) {
    this.#handlers = handlers;
  }

  /** The unread messages of the list that was told last. */
  get unread(): number {
    return this.#unread;
  }

  listen(chat: Chat): void {
    const tell = (name: string, data: unknown) => this.#handlers.emit(name, data);
    chat.on(CORE.SDK_READY, ({ data }) => {
      tell(EVENT.SDK_READY, data);
      this.#tellList(chat);
    });
    chat.on(CORE.SDK_NOT_READY, ({ data }) => tell(EVENT.SDK_NOT_READY, data));
    chat.on(CORE.NET_STATE_CHANGE, ({ data: { state, code } }) => {
      tell(EVENT.NET_STATE_CHANGE, { state: state === 'refused' ? TYPES.NET_STATE_DISCONNECTED : state });
      if (code === ErrorCode.TOKEN_EXPIRED) {
        tell(EVENT.KICKED_OUT, { type: TYPES.KICKED_OUT_USERSIG_EXPIRED });
      }
    });
    chat.on(CORE.CONVERSATION_LIST_UPDATED, () => this.#tellList(chat));
    chat.on(CORE.MESSAGE_RECEIVED, ({ data }) => tell(EVENT.MESSAGE_RECEIVED, data.messageList.map(imMessage)));
    chat.on(CORE.MESSAGE_REVOKED, ({ data }) => tell(EVENT.MESSAGE_REVOKED, data.messageList.map(imMessage)));
    // Sends may settle long after sendMessage resolved, which Tencent's cannot.
    chat.on(CORE.MESSAGE_SENT, ({ data }) => tell(EVENT.MESSAGE_MODIFIED, [imMessage(data.new)]));
    chat.on(CORE.MESSAGE_FAILED, ({ data }) => tell(EVENT.MESSAGE_MODIFIED, [imMessage(data.message)]));
    chat.on(CORE.DELETION_REFUSED, ({ data: { code, conversationID } }) =>
      tell(EVENT.ERROR, {
        code: imCode('deleteMessage', code),
        message: `the server refused a deletion in ${conversationID}`,
      }),
    );
    chat.on(CORE.ERROR, ({ data }) => tell(EVENT.ERROR, { ...data, code: imCode('', data.code) }));
  }

  /** Theirs carries the whole list; changes that come while it is being read are told together. */
  async #tellList(chat: Chat): Promise<void> {
    this.#changed = true;
    if (this.#telling) {
      return;
    }
    this.#telling = true;
    try {
      while (this.#changed) {
        this.#changed = false;
        const { data } = await chat.getConversationList();
        this.#handlers.emit(EVENT.CONVERSATION_LIST_UPDATED, data.conversationList.map(imConversation));
        this.#tellUnread(data.conversationList.reduce((sum, { unreadCount }) => sum + unreadCount, 0));
      }
    } catch (thrown) {
      const ended = [ErrorCode.NOT_READY, ErrorCode.RUNTIME_EXITED] as readonly number[];
      if (!(thrown instanceof LetheError && ended.includes(thrown.code))) {
        const { code, message } = imError('getConversationList', thrown);
        this.#handlers.emit(EVENT.ERROR, { code, message });
      }
    } finally {
      this.#telling = false;
    }
  }

  #tellUnread(unread: number): void {
    if (unread !== this.#unread) {
      this.#unread = unread;
      this.#handlers.emit(EVENT.TOTAL_UNREAD_MESSAGE_COUNT_UPDATED, unread);
    }
  }
}
