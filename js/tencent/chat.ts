import type * as Lethe from '../api.js';
import { ErrorCode } from '../api.js';
import { IM_CODE, ImError, imCode, imError } from './errors.js';
import { Events } from './events.js';
import { type Handler, Handlers } from './handlers.js';
import { EVENT, TYPES } from './names.js';
import {
  type Conversation,
  coreOptions,
  imConversation,
  imMessage,
  type Message,
  type MessageOptions,
} from './shapes.js';

/** What every call resolves to: imResponse of Tencent's documents. */
export type ImResponse<T> = Lethe.Response<T>;

/** A chat with Tencent's names and shapes over Lethe's. Its calls wait for the core; they reject with an ImError. */
export class TencentChat {
  readonly #core: Promise<Lethe.Chat>;
  readonly #handlers = new Handlers();
  readonly #events = new Events(this.#handlers);
  #started: Lethe.Chat | undefined;
  #userID = '';

  constructor(core: Promise<Lethe.Chat>) {
    this.#core = core.then((chat) => {
      this.#events.listen(chat);
      this.#started = chat;
      return chat;
    });
    this.#core.catch((thrown) => {
      const { code, message } = imError('create', thrown);
      this.#handlers.emit(EVENT.ERROR, { code, message });
    });
  }

  login(options: { userID: string; userSig: string }): Promise<ImResponse<{ repeatLogin: boolean }>> {
    return this.#call('login', async (chat) => {
      const { userID, userSig } = options ?? {};
      const repeatLogin = this.#userID !== '' && this.#userID === userID;
      const { data } = await chat.login({ userID, token: userSig });
      this.#userID = data.userID;
      return { ...data, actionStatus: 'OK', errorCode: 0, errorInfo: '', repeatLogin };
    });
  }

  logout(): Promise<ImResponse<Lethe.LogoutResult>> {
    return this.#call('logout', async (chat) => {
      const { data } = await chat.logout();
      this.#userID = '';
      return data;
    });
  }

  isReady(): boolean {
    return this.#userID !== '';
  }

  getLoginUser(): string {
    return this.#userID;
  }

  /** The whole list, or those of it that are named. */
  getConversationList(
    conversationIDList?: readonly string[],
  ): Promise<ImResponse<{ conversationList: Conversation[]; isSyncCompleted: boolean }>> {
    return this.#call('getConversationList', async (chat) => {
      if (conversationIDList !== undefined && !Array.isArray(conversationIDList)) {
        throw new ImError(ErrorCode.PARAMETER_INVALID, 'conversationIDs are given as a list');
      }
      const { data } = await chat.getConversationList();
      const wanted = data.conversationList.filter(
        ({ conversationID }) => conversationIDList?.includes(conversationID) ?? true,
      );
      return { conversationList: wanted.map(imConversation), isSyncCompleted: true };
    });
  }

  getConversationProfile(conversationID: string): Promise<ImResponse<{ conversation: Conversation }>> {
    return this.#call('getConversationProfile', async (chat) => {
      const { data } = await chat.getConversation(conversationID);
      return { conversation: imConversation(data.conversation) };
    });
  }

  getTotalUnreadMessageCount(): number {
    return this.#events.unread;
  }

  getMessageList(
    options: Lethe.MessageListRequest,
  ): Promise<ImResponse<{ messageList: Message[]; nextReqMessageID: string; isCompleted: boolean }>> {
    return this.#call('getMessageList', async (chat) => {
      const { data } = await chat.getMessageList(options);
      return { ...data, messageList: data.messageList.map(imMessage) };
    });
  }

  /** Throws an ImError; 2999 until the core is there, which a login waits for. */
  createTextMessage(options: MessageOptions<Lethe.Payload & { text: string }>): Message {
    return this.#make((chat) => chat.createTextMessage(coreOptions(options)));
  }

  /** Throws an ImError, as createTextMessage. */
  createCustomMessage(options: MessageOptions): Message {
    return this.#make((chat) => chat.createCustomMessage(coreOptions(options)));
  }

  sendMessage(message: Message): Promise<ImResponse<{ message: Message }>> {
    return this.#call(
      'sendMessage',
      async (chat) => ({ message: imMessage((await chat.sendMessage(message)).data.message) }),
      { message },
    );
  }

  setMessageRead(options: Lethe.ConversationRequest): Promise<ImResponse<Lethe.SetMessageReadResult>> {
    return this.#call('setMessageRead', async (chat) => (await chat.setMessageRead(options)).data);
  }

  deleteConversation(conversationID: string): Promise<ImResponse<{ conversationID: string }>>;
  /** Up to 100; more is refused, where Tencent's takes the first 100. */
  deleteConversation(options: Lethe.DeleteConversationRequest): Promise<ImResponse<Lethe.DeleteConversationResult>>;
  deleteConversation(
    what: string | Lethe.DeleteConversationRequest,
  ): Promise<ImResponse<{ conversationID: string } | Lethe.DeleteConversationResult>> {
    return this.#call('deleteConversation', async (chat) => (await chat.deleteConversation(what as string)).data);
  }

  clearHistoryMessage(conversationID: string): Promise<ImResponse<Lethe.ClearHistoryResult>> {
    return this.#call('clearHistoryMessage', async (chat) => (await chat.clearHistoryMessage(conversationID)).data);
  }

  /** Up to 1 000, of any conversations; more is refused, where Tencent's takes the first 30 of one conversation. */
  deleteMessage(
    messageList: readonly Message[],
  ): Promise<ImResponse<{ messageList: Message[]; failed: Lethe.Failed[] }>> {
    return this.#call('deleteMessage', async (chat) => {
      if (Array.isArray(messageList) && messageList.some(isNotice)) {
        throw new ImError(
          IM_CODE.CANNOT_DELETE_SYSTEM_NOTICE,
          'single notices cannot be deleted, only their conversation',
        );
      }
      const { data } = await chat.deleteMessage(messageList);
      return {
        messageList: data.messageList.map((message) => Object.assign(imMessage(message), { isDeleted: true })),
        failed: data.failed.map((item) => ({ ...item, code: imCode('deleteMessage', item.code) })),
      };
    });
  }

  revokeMessage(message: Message): Promise<ImResponse<{ message: Message }>> {
    return this.#call(
      'revokeMessage',
      async (chat) => ({ message: imMessage((await chat.revokeMessage(message)).data.message) }),
      { message },
    );
  }

  joinGroup(options: { groupID: string }): Promise<ImResponse<{ status: string; group: { groupID: string } }>> {
    return this.#call('joinGroup', async (chat) => {
      const { data } = await chat.joinGroup(options?.groupID);
      return { status: TYPES.JOIN_STATUS_SUCCESS, group: { groupID: data.groupID } };
    });
  }

  /** The conversation stays listed, readable and deletable. */
  quitGroup(groupID: string): Promise<ImResponse<Lethe.GroupResult>> {
    return this.#call('quitGroup', async (chat) => (await chat.quitGroup(groupID)).data);
  }

  on(name: string, handler: Handler, context?: unknown): void {
    this.#handlers.add(name, handler, context, false);
  }

  once(name: string, handler: Handler, context?: unknown): void {
    this.#handlers.add(name, handler, context, true);
  }

  off(name: string, handler: Handler, context?: unknown): void {
    this.#handlers.remove(name, handler, context);
  }

  /** Ends the core. What the device holds stays; later calls reject with 2999. */
  destroy(): Promise<ImResponse<Record<string, never>>> {
    return this.#call('destroy', async (chat) => {
      chat.destroy();
      this.#userID = '';
      return {};
    });
  }

  async #call<T>(name: string, run: (chat: Lethe.Chat) => Promise<T>, data?: unknown): Promise<ImResponse<T>> {
    try {
      return { code: 0, data: await run(await this.#core) };
    } catch (thrown) {
      throw imError(name, thrown, data);
    }
  }

  #make(make: (chat: Lethe.Chat) => Lethe.Message): Message {
    if (!this.#started) {
      throw new ImError(ErrorCode.NOT_READY, 'the core is not there yet: log in first');
    }
    try {
      return imMessage(make(this.#started));
    } catch (thrown) {
      throw imError('createMessage', thrown);
    }
  }
}

function isNotice(message: Message | null | undefined): boolean {
  return message?.conversationID?.startsWith?.(TYPES.CONV_SYSTEM) ?? false;
}
