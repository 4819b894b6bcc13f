import { codeFor } from './arguments.js';
import type { Calls, Response } from './calls.js';
import type { Emitter, EventName, Handler } from './emitter.js';
import { LetheError } from './errors.js';
import { createMessage, isNamedMessage, type MessageOptions, type Payload, TYPES } from './message.js';
import type {
  ClearHistoryResult,
  ConversationListResult,
  ConversationRequest,
  ConversationResult,
  DeleteConversationRequest,
  DeleteConversationResult,
  DeleteMessagesRequest,
  DeleteMessagesResult,
  Failed,
  GroupResult,
  InspectResult,
  LoginRequest,
  LoginResult,
  LogoutRequest,
  LogoutResult,
  Message,
  MessageKey,
  MessageListRequest,
  MessageListResult,
  MessageRef,
  MessageResult,
  Nothing,
  RoomResult,
  SetDraftRequest,
  SetMessageReadResult,
} from './types.gen.js';
import { ErrorCode } from './types.gen.js';

/** Which messages deleteMessages deletes: by ids, by messages, or of a conversation (all, before a time, up to a seq). */
export type MessageSelector =
  | { ids: readonly MessageRef[] }
  | { messages: readonly MessageKey[] }
  | { conversationID: string; before?: number; upTo?: number };

/** From where: this device, the user's history on the server, or both. */
export type Scope = 'local' | 'remote' | 'both';

/** awaitErasure: the call resolves only when this device has nothing left to erase. */
export interface ErasureOptions {
  awaitErasure?: boolean;
}

/** What Lethe.create resolves to: one user's chat. Every call resolves {code: 0, data} or rejects with a LetheError. */
export class Chat {
  readonly #calls: Calls;
  readonly #emitter: Emitter;
  #userID = '';

  constructor(calls: Calls, emitter: Emitter) {
    this.#calls = calls;
    this.#emitter = emitter;
  }

  /** Where the core runs. */
  get place(): 'worker' | 'page' {
    return this.#calls.place;
  }

  async login(request: LoginRequest): Promise<Response<LoginResult>> {
    const response = await this.#calls.call('login', request ?? {});
    this.#userID = response.data.userID;
    return response;
  }

  /** With wipe the device's copy goes too: true sends what is owed first, 'force' does not wait. */
  logout(request: LogoutRequest = {}): Promise<Response<LogoutResult>> {
    return this.#calls.call('logout', request);
  }

  /** Keeps the chat off the network, or lets it connect again. */
  setOnline(online: boolean): Promise<Response<Nothing>> {
    return this.#calls.call('setOnline', { online });
  }

  getConversationList(): Promise<Response<ConversationListResult>> {
    return this.#calls.call('getConversationList', {});
  }

  getConversation(conversationID: string): Promise<Response<ConversationResult>> {
    return this.#calls.call('getConversation', named(conversationID));
  }

  getMessageList(request: MessageListRequest): Promise<Response<MessageListResult>> {
    return this.#calls.call('getMessageList', request ?? {});
  }

  /** The server's history as it is. Stores nothing on the device. */
  fetchRemoteHistory(request: MessageListRequest): Promise<Response<MessageListResult>> {
    return this.#calls.call('fetchRemoteHistory', request ?? {});
  }

  /** A text message for sendMessage. Throws a LetheError. */
  createTextMessage(options: MessageOptions<Payload & { text: string }>): Message {
    return createMessage(TYPES.MSG_TEXT, options, this.#userID);
  }

  /** A message of the app's own for sendMessage. Throws a LetheError. */
  createCustomMessage(options: MessageOptions): Message {
    return createMessage(TYPES.MSG_CUSTOM, options, this.#userID);
  }

  /** Sends a created message, once; its fields become those of the sent one. A failed one may be sent again. */
  async sendMessage(message: Message): Promise<Response<MessageResult>> {
    if (typeof message !== 'object' || message === null || typeof message.type !== 'string') {
      throw new LetheError(ErrorCode.MESSAGE_INVALID, 'createTextMessage or createCustomMessage makes messages');
    }
    if (isNamedMessage(message) && message.status !== 'fail') {
      throw new LetheError(ErrorCode.MESSAGE_INVALID, 'the message was sent before');
    }
    const { conversationType, to, type, payload } = message;
    const quote = message.quote ? { ID: message.quote.ID } : undefined;
    const response = await this.#calls.call('sendMessage', { conversationType, to, type, payload, quote });
    return { code: 0, data: { message: Object.assign(message, response.data.message) } };
  }

  /** Takes a sent message away from everybody; its fields become those of the notice in its place. */
  async revokeMessage(message: Message): Promise<Response<MessageResult>> {
    const [key] = keysOf([message]);
    const { data } = await this.#calls.call('revokeMessage', key);
    return { code: 0, data: { message: Object.assign(message, data.message) } };
  }

  joinGroup(groupID: string): Promise<Response<GroupResult>> {
    return this.#calls.call('joinGroup', { groupID });
  }

  /** Leaves a group. Its conversation stays listed, readable and deletable. */
  quitGroup(groupID: string): Promise<Response<GroupResult>> {
    return this.#calls.call('quitGroup', { groupID });
  }

  /** Enters a chatroom with this device. */
  joinRoom(roomID: string): Promise<Response<RoomResult>> {
    return this.#calls.call('joinRoom', { roomID });
  }

  /** Leaves a chatroom; this device's copy goes with its last tab. */
  quitRoom(roomID: string): Promise<Response<RoomResult>> {
    return this.#calls.call('quitRoom', { roomID });
  }

  setMessageRead(request: ConversationRequest): Promise<Response<SetMessageReadResult>> {
    return this.#calls.call('setMessageRead', request ?? {});
  }

  setDraft(request: SetDraftRequest): Promise<Response<Nothing>> {
    return this.#calls.call('setDraft', request ?? {});
  }

  /** Deletes a conversation with its history, on this device and from the user's history on the server. */
  deleteConversation(
    conversationID: string,
    options?: ErasureOptions,
  ): Promise<Response<{ conversationID: string; erasure: string }>>;
  /** The same for up to 100; clearHistoryMessage: false takes them from the list only. */
  deleteConversation(options: DeleteConversationRequest): Promise<Response<DeleteConversationResult>>;
  async deleteConversation(
    what: string | DeleteConversationRequest,
    options: ErasureOptions = {},
  ): Promise<Response<{ conversationID: string; erasure: string } | DeleteConversationResult>> {
    if (typeof what === 'object' && what !== null) {
      return this.#calls.call('deleteConversation', what);
    }
    const { data } = await this.#calls.call('deleteConversation', { conversationIDList: [what], ...erasure(options) });
    const refused = data.failed[0];
    if (refused) {
      throw new LetheError(refused.code, refused.message, data);
    }
    return { code: 0, data: { conversationID: what, erasure: data.erasure } };
  }

  /** Deletes all messages of a conversation, in both places; the conversation stays in the list. */
  async clearHistoryMessage(
    conversationID: string,
    options: ErasureOptions = {},
  ): Promise<Response<ClearHistoryResult>> {
    return this.#calls.call('clearHistoryMessage', { conversationID, ...erasure(options) });
  }

  /** Deletes messages in both places. failed tells of those that could not be. */
  async deleteMessage(
    messageList: readonly Message[],
    options: ErasureOptions = {},
  ): Promise<Response<{ messageList: Message[]; failed: Failed[]; erasure: string }>> {
    const { data } = await this.#calls.call('deleteMessages', { messages: keysOf(messageList), ...erasure(options) });
    const kept = new Set(data.failed.map((item) => item.id));
    const deleted = messageList.filter(({ ID, messageID }) => !kept.has(ID) && !kept.has(messageID));
    return { code: 0, data: { messageList: deleted, failed: data.failed, erasure: data.erasure } };
  }

  /** Deletes messages from this device, from the user's history on the server, or, if no scope is given, from both. */
  async deleteMessages(
    selector: MessageSelector,
    options: { scope?: Scope } & ErasureOptions = {},
  ): Promise<Response<DeleteMessagesResult>> {
    return this.#calls.call('deleteMessages', deletion(selector, options));
  }

  /** What this device and the server hold of a conversation. */
  inspectConversation(conversationID: string): Promise<Response<InspectResult>> {
    return this.#calls.call('inspectConversation', named(conversationID));
  }

  /** Throws a LetheError for an event that does not exist. */
  on<K extends EventName>(event: K, handler: Handler<K>): void {
    this.#emitter.add(event, handler);
  }

  off<K extends EventName>(event: K, handler: Handler<K>): void {
    this.#emitter.remove(event, handler);
  }

  /** Ends the core and its worker. What the device holds stays; calls that are under way reject. */
  destroy(): void {
    this.#calls.end();
  }
}

function named(conversationID: string): ConversationRequest {
  return { conversationID };
}

/** As much of each message as a deletion needs. What is no list goes on as it is, for the core to refuse. */
function keysOf(messages: readonly MessageKey[]): readonly MessageKey[] {
  if (!Array.isArray(messages)) {
    throw new LetheError(ErrorCode.PARAMETER_INVALID, 'a list of messages is needed');
  }
  return messages.map((message) => {
    if (!isNamedMessage(message)) {
      throw new LetheError(ErrorCode.MESSAGE_INVALID, 'the list holds something that is no message of this chat');
    }
    const { ID, messageID } = message;
    return { ID, messageID };
  });
}

/** The options of a deletion. */
function erasure(options: ErasureOptions): ErasureOptions {
  requireObject('options', options);
  const { awaitErasure } = options;
  return awaitErasure === undefined ? {} : { awaitErasure };
}

function requireObject(name: string, object: unknown): void {
  if (Object.prototype.toString.call(object) !== '[object Object]') {
    throw new LetheError(ErrorCode.PARAMETER_INVALID, `${name}: an object is needed`);
  }
}

function deletion(selector: MessageSelector, options: { scope?: Scope } & ErasureOptions): DeleteMessagesRequest {
  requireObject('selector', selector);
  requireObject('options', options);
  const request: Record<string, unknown> = { ...selector, ...options };
  // A limit that the caller's code failed to compute must not turn into "everything".
  for (const [limit, value] of Object.entries(request)) {
    if (value === undefined && limit !== 'scope' && limit !== 'awaitErasure') {
      throw new LetheError(codeFor(limit), `${limit} is undefined`);
    }
  }
  // Go reads '' as absent.
  if (request.conversationID === '') {
    throw new LetheError(ErrorCode.CONVERSATION_ID_INVALID, 'conversationID is empty');
  }
  if ('messages' in request) {
    request.messages = keysOf(request.messages as MessageKey[]);
  }
  return request as DeleteMessagesRequest;
}
