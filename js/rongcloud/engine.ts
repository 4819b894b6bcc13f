import type {
  Chat,
  CreateOptions,
  DeleteMessagesRequest,
  DeleteMessagesResult,
  MessageRef,
  MessageSelector,
  Scope,
} from '../api.js';
import { type Conversation, type ConversationLike, conversationIDOf, rongConversation } from './conversation.js';
import { engineCode, engineErrorOf, Refusal } from './errors.js';
import { type HistoryOption, messagesBefore } from './history.js';
import { itemsOf, List } from './list.js';
import { Listeners } from './listeners.js';
import { keyOf, keysOf, Message, type MessageContent, type MessageLike, rongMessage, TextMessage } from './message.js';
import { ConversationType, EngineError } from './names.js';
import { subjectOf } from './token.js';

/** What every call resolves to. Nothing rejects and nothing throws. */
export interface Result<T = void> {
  code: EngineError;
  /** Of a success; of a failure what is known of it. */
  data?: T;
  /** What went wrong, for the developer. */
  msg?: string;
}

/** What became of a deletion: each message that could not be deleted with its number. */
export type Deletion = Omit<DeleteMessagesResult, 'failed'> & { failed: { id: MessageRef; code: EngineError }[] };

/** Later than any message: a deletion by time that leaves none. */
const END_OF_TIME = 8_640_000_000_000_000;

const SENDABLE: Partial<Record<ConversationType, 'C2C' | 'GROUP' | 'ROOM'>> = {
  [ConversationType.Private]: 'C2C',
  [ConversationType.Group]: 'GROUP',
  [ConversationType.Chatroom]: 'ROOM',
};

/** RongCloud's names and shapes over Lethe's calls. */
export class Engine extends Listeners {
  readonly #create: (options: CreateOptions) => Promise<Chat>;
  #core: Promise<Chat> | undefined;
  #userId = '';

  constructor(create: (options: CreateOptions) => Promise<Chat>) {
    super();
    this.#create = create;
  }

  /** Prepares for a server; url is the page's own origin if absent. Later calls wait for it. */
  init(options: Partial<CreateOptions> = {}): Promise<Result> {
    return this.#result('init', async () => {
      if (typeof options !== 'object' || options === null) {
        throw new Refusal(EngineError.InvalidParameter, 'init needs {url, appID}');
      }
      if (this.#userId !== '') {
        throw new Refusal(EngineError.ConnectionExists, 'disconnect before another init');
      }
      const before = this.#core;
      const started = this.#create({ ...options, url: options.url ?? location.origin });
      this.#core = started;
      before?.then((chat) => chat.destroy()).catch(() => {}); // its own init told of its failure
      try {
        this.listenTo(await started);
      } catch (thrown) {
        this.#core = this.#core === started ? undefined : this.#core;
        throw thrown;
      }
    });
  }

  /** Logs in. The userId is the token's if absent (HarmonyOS gives a time limit there). */
  connect(token: string, userId?: string | number): Promise<Result<{ userId: string }>> {
    return this.#call('connect', async (chat) => {
      const userID = typeof userId === 'string' ? userId : subjectOf(token);
      const { data } = await chat.login({ userID, token });
      this.#userId = data.userID;
      return { userId: data.userID };
    });
  }

  /** Logs out. What the device holds stays. */
  disconnect(): Promise<Result> {
    return this.#call('disconnect', async (chat) => {
      await chat.logout();
      this.#userId = '';
    });
  }

  /** Ends the core; init starts another. */
  destroy(): Promise<Result> {
    return this.#call('destroy', async (chat) => {
      chat.destroy();
      this.#core = undefined;
      this.#userId = '';
    });
  }

  getCurrentUserId(): string {
    return this.#userId;
  }

  /** Deletes messages from this device, by their messageId, of any conversations: at most 1 000. */
  deleteHistoryMessagesByIds(messageIds: List<number> | readonly number[]): Promise<Result<Deletion>> {
    return this.#delete('deleteHistoryMessagesByIds', 'local', () => {
      const ids = itemsOf(messageIds);
      if (!ids || ids.length === 0) {
        throw new Refusal(EngineError.InvalidParameter, 'a list of message ids is needed');
      }
      if (!ids.every((id) => Number.isSafeInteger(id) && id > 0)) {
        throw new Refusal(EngineError.InvalidMessageId, 'a messageId is a positive whole number');
      }
      return { ids };
    });
  }

  /** Deletes all messages of a conversation from this device. */
  deleteMessages(conversation: ConversationLike): Promise<Result<Deletion>>;
  /** Web code's name for deleteRemoteMessages. */
  deleteMessages(
    conversation: ConversationLike,
    messages: List<MessageLike> | readonly MessageLike[],
  ): Promise<Result<Deletion>>;
  deleteMessages(
    conversation: ConversationLike,
    ...messages: [(List<MessageLike> | readonly MessageLike[])?]
  ): Promise<Result<Deletion>> {
    // A list that the caller's code failed to make must not turn into "all".
    if (messages.length > 0) {
      return this.deleteRemoteMessages(conversation, messages[0] as MessageLike[]);
    }
    return this.#delete('deleteMessages', 'local', () => ({ conversationID: conversationIDOf(conversation) }));
  }

  /** Deletes the messages of a conversation that were sent before a time (ms) from this device. */
  deleteHistoryMessagesByTime(conversation: ConversationLike, time: number): Promise<Result<Deletion>> {
    return this.#delete('deleteHistoryMessagesByTime', 'local', () => before(conversation, time));
  }

  /** Deletes the messages of a conversation that were sent before a time (ms) from the server; 0: all of them. */
  cleanRemoteHistoryMessagesByTime(conversation: ConversationLike, time: number): Promise<Result<Deletion>> {
    return this.#delete('cleanRemoteHistoryMessagesByTime', 'remote', () =>
      before(conversation, time === 0 ? END_OF_TIME : time),
    );
  }

  /** Web code's name for it, with a time that is included. */
  clearHistoryMessages(conversation: ConversationLike, timestamp: number): Promise<Result<Deletion>> {
    const time = typeof timestamp === 'number' && timestamp > 0 ? timestamp + 1 : timestamp;
    return this.cleanRemoteHistoryMessagesByTime(conversation, time);
  }

  /** Deletes the messages of a conversation that were sent before a time (ms), here, or here and on the server. */
  cleanHistoryMessages(conversation: ConversationLike, time: number, cleanRemote = false): Promise<Result<Deletion>> {
    return this.#delete('cleanHistoryMessages', cleanRemote ? 'both' : 'local', () => before(conversation, time));
  }

  /** Deletes messages of a conversation from the server, or from both places: at most 1 000. */
  deleteRemoteMessages(
    conversation: ConversationLike,
    messages: List<MessageLike> | readonly MessageLike[],
    isDeleteLocal = false,
  ): Promise<Result<Deletion>> {
    return this.#delete('deleteRemoteMessages', isDeleteLocal ? 'both' : 'remote', () => ({
      messages: keysOf(conversation, messages),
    }));
  }

  /** A page of this device's messages, and of the server's where this device has gaps. */
  getHistoryMessages(conversation: ConversationLike, option?: HistoryOption): Promise<Result<List<Message>>> {
    return this.#call('getHistoryMessages', async (chat) => {
      const found = await messagesBefore((r) => chat.getMessageList(r), conversationIDOf(conversation), option);
      return List.of(found.map(rongMessage));
    });
  }

  /** A page of what the server holds. Stores nothing. */
  getRemoteHistoryMessages(conversation: ConversationLike, option?: HistoryOption): Promise<Result<List<Message>>> {
    return this.#call('getRemoteHistoryMessages', async (chat) => {
      const found = await messagesBefore((r) => chat.fetchRemoteHistory(r), conversationIDOf(conversation), option);
      return List.of(found.map(rongMessage));
    });
  }

  /** Takes a message away from everybody: given itself, or web code's conversation and {messageUId}. */
  recallMessage(what: MessageLike, options?: MessageLike): Promise<Result<Message>> {
    return this.#call('recallMessage', async (chat) => {
      const key = keyOf(options ?? what);
      if (!key) {
        throw new Refusal(EngineError.InvalidMessageUid, 'a sent message is needed');
      }
      const { data } = await chat.revokeMessage(key as Parameters<Chat['revokeMessage']>[0]);
      return rongMessage(data.message);
    });
  }

  /** Sends a Message, or web code's content to a conversation. */
  sendMessage(what: Message | ConversationLike, content?: MessageContent): Promise<Result<Message>> {
    return this.#call('sendMessage', async (chat) => {
      const message = what instanceof Message ? what : new Message(what, content as MessageContent);
      conversationIDOf(message);
      const conversationType = SENDABLE[message.conversationType];
      if (!conversationType) {
        throw new Refusal(EngineError.ConversationTypeNotSupported, 'notices go one way');
      }
      if (!(message.content instanceof TextMessage)) {
        throw new Refusal(EngineError.InvalidParameter, 'a TextMessage is needed');
      }
      const payload = { text: message.content.content };
      const created = chat.createTextMessage({ to: message.targetId, conversationType, payload });
      const { data } = await chat.sendMessage(created);
      return Object.assign(message, rongMessage(data.message));
    });
  }

  getConversationList(): Promise<Result<List<Conversation>>> {
    return this.#call('getConversationList', async (chat) => {
      const { data } = await chat.getConversationList();
      return List.of(data.conversationList.map(rongConversation));
    });
  }

  clearMessagesUnreadStatus(conversation: ConversationLike): Promise<Result> {
    return this.#call('clearMessagesUnreadStatus', async (chat) => {
      await chat.setMessageRead({ conversationID: conversationIDOf(conversation) });
    });
  }

  /** Takes a conversation from the list. Its messages stay. */
  removeConversation(conversation: ConversationLike): Promise<Result> {
    return this.#call('removeConversation', async (chat) => {
      const conversationIDList = [conversationIDOf(conversation)];
      await chat.deleteConversation({ conversationIDList, clearHistoryMessage: false });
    });
  }

  /** Takes up to 100 conversations from the list, on this device and the server, with their messages if said so. */
  batchDeleteConversations(options: {
    identifiers: List<ConversationLike> | readonly ConversationLike[];
    deleteMessages: boolean;
  }): Promise<Result<{ failed: { conversationId: MessageRef; code: EngineError }[] }>> {
    const call = 'batchDeleteConversations';
    return this.#call(call, async (chat) => {
      const identifiers = itemsOf(options?.identifiers);
      if (!identifiers || typeof options.deleteMessages !== 'boolean') {
        throw new Refusal(EngineError.InvalidConversationList, 'needs {identifiers, deleteMessages}');
      }
      const { data } = await chat.deleteConversation({
        conversationIDList: identifiers.map(conversationIDOf),
        clearHistoryMessage: options.deleteMessages,
      });
      return { failed: data.failed.map(({ id, code }) => ({ conversationId: id, code: engineCode(call, code) })) };
    });
  }

  joinChatRoom(roomId: string): Promise<Result> {
    return this.#call('joinChatRoom', async (chat) => {
      await chat.joinRoom(roomId);
    });
  }

  /** This device's copy of the room goes with its last tab in it. */
  quitChatRoom(roomId: string): Promise<Result> {
    return this.#call('quitChatRoom', async (chat) => {
      await chat.quitRoom(roomId);
    });
  }

  #delete(call: string, scope: Scope, select: () => DeleteMessagesRequest): Promise<Result<Deletion>> {
    return this.#call(call, async (chat) => {
      const { data } = await chat.deleteMessages(select() as MessageSelector, { scope });
      return { ...data, failed: data.failed.map(({ id, code }) => ({ id, code: engineCode(call, code) })) };
    });
  }

  #call<T>(call: string, run: (chat: Chat) => Promise<T>): Promise<Result<T>> {
    return this.#result(call, async () => {
      if (!this.#core) {
        throw new Refusal(EngineError.ClientNotInit, 'init comes first');
      }
      return run(await this.#core);
    });
  }

  async #result<T>(call: string, run: () => Promise<T>): Promise<Result<T>> {
    try {
      const data = await run();
      return data === undefined ? { code: EngineError.Success } : { code: EngineError.Success, data };
    } catch (thrown) {
      return { code: engineErrorOf(call, thrown), msg: thrown instanceof Error ? thrown.message : String(thrown) };
    }
  }
}

function before(conversation: ConversationLike, time: number): DeleteMessagesRequest {
  return { conversationID: conversationIDOf(conversation), before: time };
}
