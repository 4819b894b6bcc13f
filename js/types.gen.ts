// Made by js/gen from sdk/api.go, sdk/method.go, wire/errors.go and wire/close.go. Change those and run make generate.

import type { Payload } from './message.js';

/** A message by its ID (string) or its messageID (number); in reports, any item as the caller named it. */
export type MessageRef = string | number;

/** OpenRequest configures a chat: what Lethe.create takes. */
export interface OpenRequest {
  /** http(s):// or ws(s):// of the server; its path, if any, comes before /v1/ws */
  url: string;
  /** the app of the tokens */
  appID: string;
}

/** Nothing is an empty object. */
export type Nothing = Record<string, never>;

/** LoginRequest logs a user in. The token is a JWT that the app's backend signed for this user. */
export interface LoginRequest {
  userID: string;
  token: string;
}

/** LoginResult says who is logged in and whether the server has answered yet; without it the device's copy is shown. */
export interface LoginResult {
  userID: string;
  deviceID: string;
  connected: boolean;
  /** indexeddb; memory where the browser keeps nothing */
  storage: string;
  /** how far deletions get here: erased; removed where there is no file for keys */
  erasure: string;
}

/** LogoutRequest ends the session. With wipe the device's copy goes too: true sends the outbox first and fails with OUTBOX_NOT_EMPTY if it cannot, 'force' reports how many operations are lost. */
export interface LogoutRequest {
  wipe?: boolean | 'force';
}

/** LogoutResult tells what logging out did. */
export interface LogoutResult {
  wiped: boolean;
  /** operations the server will never hear of */
  lost: number;
}

/** OnlineRequest keeps a chat off the network or lets it connect again, for apps that know better than the browser. */
export interface OnlineRequest {
  online: boolean;
}

/** LastMessage is the preview of a conversation. */
export interface LastMessage {
  /** seconds, as Tencent has it */
  lastTime: number;
  lastSequence: number;
  fromAccount: string;
  type: string;
  /** the text, [custom] or [recalled] */
  messageForShow: string;
  payload: Payload;
}

/** Conversation is one line of the conversation list. */
export interface Conversation {
  conversationID: string;
  /** C2C, GROUP, ROOM or @TIM#SYSTEM */
  type: string;
  /** the other user, the group's name, or the sender of notices */
  name: string;
  /** the others' messages above the read mark, in this view */
  unreadCount: number;
  /** null when no message is left in this view */
  lastMessage: LastMessage | null;
  /** ms; the list is sorted by it, newest first */
  lastTime: number;
  /** false after leaving the group, and for notices */
  canSend: boolean;
  draft: string;
}

/** ConversationListResult is the conversation list, newest first. */
export interface ConversationListResult {
  conversationList: Conversation[];
}

/** ConversationRequest names one conversation. */
export interface ConversationRequest {
  conversationID: string;
}

/** ConversationResult is one conversation. */
export interface ConversationResult {
  conversation: Conversation;
}

/** MessageListRequest asks for a page of messages, from the newest down or from before nextReqMessageID. */
export interface MessageListRequest {
  conversationID: string;
  /** 1 … 1024, 15 if absent */
  count?: number;
  /** as the page before gave it */
  nextReqMessageID?: string;
}

/** Quote is the message that another one quotes, as this view has it. */
export interface Quote {
  ID: string;
  seq: number;
  /** normal, deleted (gone from this view, or not on this device), recalled */
  status: string;
  from: string;
  type: string;
  /** null unless normal */
  payload: Payload;
}

/** Message is one message in a view. */
export interface Message {
  /** the same for all users and devices; provisional until sent */
  ID: string;
  /** number on this device: ordinal · 2^32 + slot; provisional until sent */
  messageID: number;
  conversationID: string;
  conversationType: string;
  /** TIMTextElem, TIMCustomElem; recalled when isRevoked */
  type: string;
  from: string;
  /** userID or groupID */
  to: string;
  payload: Payload;
  /** position in the conversation's log, 0 until sent */
  seq: number;
  /** seconds, as Tencent has it */
  time: number;
  /** ms, server clock; the device's clock until sent */
  sentTime: number;
  /** in, out */
  flow: string;
  /** unSend, success, fail */
  status: string;
  /** recalled: payload is empty, the notice stands in its place */
  isRevoked: boolean;
  /** userID of who recalled it, empty for an administrator */
  revoker: string;
  /** null if it quotes nothing */
  quote: Quote | null;
}

/** MessageListResult is a page of messages, oldest first. */
export interface MessageListResult {
  messageList: Message[];
  /** empty when completed */
  nextReqMessageID: string;
  /** nothing older is left in this view */
  isCompleted: boolean;
}

/** MessageKey is as much of a message as a deletion needs. */
export interface MessageKey {
  ID?: string;
  messageID?: number;
}

/** SendMessageRequest sends a message that createTextMessage or createCustomMessage made. */
export interface SendMessageRequest {
  /** C2C, GROUP or ROOM */
  conversationType: string;
  to: string;
  type: string;
  /** an object; at most 65536 bytes of text and data in it */
  payload: Payload;
  quote?: MessageKey;
}

/** MessageResult is one message. */
export interface MessageResult {
  message: Message;
}

/** RevokeMessageRequest takes a sent message away from everybody. */
export interface RevokeMessageRequest {
  ID?: string;
  messageID?: number;
}

/** GroupRequest names a group. */
export interface GroupRequest {
  groupID: string;
}

/** GroupResult repeats it. */
export interface GroupResult {
  groupID: string;
}

/** RoomRequest names a room. */
export interface RoomRequest {
  roomID: string;
}

/** RoomResult repeats it. */
export interface RoomResult {
  roomID: string;
}

/** SetMessageReadResult repeats the conversation. */
export interface SetMessageReadResult {
  conversationID: string;
}

/** SetDraftRequest keeps what the user has typed. An empty draft removes it. */
export interface SetDraftRequest {
  conversationID: string;
  draft: string;
}

/** DeleteConversationRequest deletes conversations from the list, in both places. */
export interface DeleteConversationRequest {
  /** 1 … 100 */
  conversationIDList: string[];
  /** true if absent; false keeps the history */
  clearHistoryMessage?: boolean;
  /** resolve only when this device has nothing left to erase */
  awaitErasure?: boolean;
}

/** Failed is one item of a batch that was refused, alone. */
export interface Failed {
  /** as the caller named it */
  id: MessageRef;
  code: number;
  message: string;
}

/** DeleteConversationResult reports each conversation; the call fails only when none succeeded. */
export interface DeleteConversationResult {
  conversationIDList: string[];
  failed: Failed[];
  /** hidden, erased, removed */
  erasure: string;
}

/** ClearHistoryRequest deletes all messages of a conversation, in both places. */
export interface ClearHistoryRequest {
  conversationID: string;
  /** resolve only when this device has nothing left to erase */
  awaitErasure?: boolean;
}

/** ClearHistoryResult repeats the conversation. */
export interface ClearHistoryResult {
  conversationID: string;
  /** hidden, erased, removed */
  erasure: string;
}

/** DeleteMessagesRequest deletes messages: by ids, by message objects, or of one conversation (all, those before a time, or those up to a seq). Exactly one of ids, messages and conversationID is given. */
export interface DeleteMessagesRequest {
  /** ID strings or messageID numbers, at most 1000 */
  ids?: MessageRef[];
  /** at most 1000 */
  messages?: MessageKey[];
  conversationID?: string;
  /** ms; messages sent earlier; a future time is no error */
  before?: number;
  /** a seq; none above it */
  upTo?: number;
  /** local, remote, both (if absent) */
  scope?: string;
  /** resolve only when this device has nothing left to erase */
  awaitErasure?: boolean;
}

/** DeleteMessagesResult says what was accepted and how far it got. */
export interface DeleteMessagesResult {
  /** as the caller named them; for a whole conversation its conversationID */
  deleted: MessageRef[];
  failed: Failed[];
  erasure: string;
  /** none (scope local), pending, acknowledged */
  server: string;
  /** names the (first) operation in later events */
  opID: string;
  /** one a conversation */
  opIDs: string[];
}

/** InspectResult is what the device and the server hold of one conversation, deleted or not. */
export interface InspectResult {
  conversationID: string;
  /** rows on this device */
  messages: number;
  /** records in the database */
  records: number;
  /** their values */
  bytes: number;
  /** operations the server has not acknowledged */
  outbox: number;
  /** messages the server shows this user; null when it could not be asked */
  server: number | null;
}

/** ReadyEvent: the session began. */
export interface ReadyEvent {
  userID: string;
}

/** FatalEvent: the core or its storage failed outside any call. */
export interface FatalEvent {
  code: number;
  message: string;
}

/** NetStateEvent: connecting, connected, disconnected, or refused with the code that says why it does not come back. */
export interface NetStateEvent {
  state: string;
  code: number;
}

/** ConversationListUpdatedEvent names the conversations that changed or went. */
export interface ConversationListUpdatedEvent {
  conversationIDList: string[];
}

/** MessageReceivedEvent: new messages from the server, of one conversation, oldest first. */
export interface MessageReceivedEvent {
  conversationID: string;
  messageList: Message[];
}

/** MessageSentEvent: a sent message has its lasting names; the old ones stay valid while it is on this device. */
export interface MessageSentEvent {
  old: MessageKey;
  new: Message;
}

/** MessageFailedEvent: a send was refused for good. */
export interface MessageFailedEvent {
  message: Message;
  code: number;
}

/** MessageDeletedEvent: single messages left this device's view. */
export interface MessageDeletedEvent {
  conversationID: string;
  seqs: number[];
  /** of all of them, unsent ones too */
  messageIDs: number[];
}

/** HistoryClearedEvent: all messages up to a seq, or before a time, left this device's view. */
export interface HistoryClearedEvent {
  conversationID: string;
  /** every seq up to this; 0 if only before is known yet */
  through: number;
  /** ms, 0 if not by time */
  before: number;
}

/** ConversationDeletedEvent: a conversation left the list. */
export interface ConversationDeletedEvent {
  conversationID: string;
}

/** DeletionEvent: what became of a deletion at the server. Code is 0 when it was acknowledged. */
export interface DeletionEvent {
  opID: string;
  conversationID: string;
  code: number;
}

/** ErasedEvent: what was deleted in a conversation can no longer be read on this device. */
export interface ErasedEvent {
  /** empty if an earlier visit had deleted all of it */
  conversationID: string;
  /** erased: its keys are destroyed; removed: its rows are gone, where there are no keys apart */
  erasure: string;
}

/** MessageRevokedEvent: messages were taken away from everybody; what is left of them stands in their place. */
export interface MessageRevokedEvent {
  conversationID: string;
  messageList: Message[];
}

/** RoomClosedEvent: a room is no more, and this device's copy of it neither. */
export interface RoomClosedEvent {
  roomID: string;
}

/** The core's calls, by name. */
export interface Methods {
  /** Prepares a chat for a server and an app. Lethe.create calls it. */
  open: { request: OpenRequest; result: Nothing };
  /** Logs a user in; resolves when the local list is open and, if connected, what changed on the server is in. Called again with a new token before the old one expires, the connection goes on with that. */
  login: { request: LoginRequest; result: LoginResult };
  /** Ends the session; with wipe the device's copy goes too. */
  logout: { request: LogoutRequest; result: LogoutResult };
  /** Keeps the chat off the network, or lets it connect again. */
  setOnline: { request: OnlineRequest; result: Nothing };
  /** The conversation list, newest first, from this device. */
  getConversationList: { request: Nothing; result: ConversationListResult };
  /** One conversation. */
  getConversation: { request: ConversationRequest; result: ConversationResult };
  /** A page of messages, oldest first, from this device and, where it has gaps, from the server. */
  getMessageList: { request: MessageListRequest; result: MessageListResult };
  /** A page as the server's history has it. Stores nothing. */
  fetchRemoteHistory: { request: MessageListRequest; result: MessageListResult };
  /** Sends a message; resolves when the server has it, or, without a connection, when it is in the outbox. */
  sendMessage: { request: SendMessageRequest; result: MessageResult };
  /** Takes a sent message away from everybody; resolves when the server has done so. Needs a connection. */
  revokeMessage: { request: RevokeMessageRequest; result: MessageResult };
  /** Joins a group that lets anybody in. Needs a connection. */
  joinGroup: { request: GroupRequest; result: GroupResult };
  /** Leaves a group; its conversation stays listed, readable and deletable. Needs a connection. */
  quitGroup: { request: GroupRequest; result: GroupResult };
  /** Enters a chatroom with this device. Needs a connection. */
  joinRoom: { request: RoomRequest; result: RoomResult };
  /** Leaves a chatroom; this device's copy goes when its last tab leaves. */
  quitRoom: { request: RoomRequest; result: RoomResult };
  /** Marks a conversation as read, up to its newest message. */
  setMessageRead: { request: ConversationRequest; result: SetMessageReadResult };
  /** Keeps what the user has typed. */
  setDraft: { request: SetDraftRequest; result: Nothing };
  /** Deletes conversations, in both places; with clearHistoryMessage false only from the list. */
  deleteConversation: { request: DeleteConversationRequest; result: DeleteConversationResult };
  /** Deletes all messages of a conversation, in both places; the conversation stays. */
  clearHistoryMessage: { request: ClearHistoryRequest; result: ClearHistoryResult };
  /** Deletes messages from this device, from the user's history on the server, or from both. */
  deleteMessages: { request: DeleteMessagesRequest; result: DeleteMessagesResult };
  /** What this device and the server hold of a conversation. */
  inspectConversation: { request: ConversationRequest; result: InspectResult };
}

/** The arguments of each call, so that a misspelt one is refused instead of overlooked. */
export const ARGUMENTS: { readonly [M in keyof Methods]: readonly string[] } = {
  open: ['url', 'appID'],
  login: ['userID', 'token'],
  logout: ['wipe'],
  setOnline: ['online'],
  getConversationList: [],
  getConversation: ['conversationID'],
  getMessageList: ['conversationID', 'count', 'nextReqMessageID'],
  fetchRemoteHistory: ['conversationID', 'count', 'nextReqMessageID'],
  sendMessage: ['conversationType', 'to', 'type', 'payload', 'quote'],
  revokeMessage: ['ID', 'messageID'],
  joinGroup: ['groupID'],
  quitGroup: ['groupID'],
  joinRoom: ['roomID'],
  quitRoom: ['roomID'],
  setMessageRead: ['conversationID'],
  setDraft: ['conversationID', 'draft'],
  deleteConversation: ['conversationIDList', 'clearHistoryMessage', 'awaitErasure'],
  clearHistoryMessage: ['conversationID', 'awaitErasure'],
  deleteMessages: ['ids', 'messages', 'conversationID', 'before', 'upTo', 'scope', 'awaitErasure'],
  inspectConversation: ['conversationID'],
};

/** The names of the events, for on and off. */
export const EVENT = {
  SDK_READY: 'SDK_READY',
  SDK_NOT_READY: 'SDK_NOT_READY',
  NET_STATE_CHANGE: 'NET_STATE_CHANGE',
  CONVERSATION_LIST_UPDATED: 'CONVERSATION_LIST_UPDATED',
  MESSAGE_RECEIVED: 'MESSAGE_RECEIVED',
  MESSAGE_SENT: 'MESSAGE_SENT',
  MESSAGE_FAILED: 'MESSAGE_FAILED',
  MESSAGE_DELETED: 'MESSAGE_DELETED',
  HISTORY_CLEARED: 'HISTORY_CLEARED',
  CONVERSATION_DELETED: 'CONVERSATION_DELETED',
  DELETION_ACKNOWLEDGED: 'DELETION_ACKNOWLEDGED',
  DELETION_REFUSED: 'DELETION_REFUSED',
  ERASED: 'ERASED',
  MESSAGE_REVOKED: 'MESSAGE_REVOKED',
  ROOM_CLOSED: 'ROOM_CLOSED',
  ERROR: 'ERROR',
} as const;

/** What each event carries as data. */
export interface EventData {
  SDK_READY: ReadyEvent;
  SDK_NOT_READY: FatalEvent;
  NET_STATE_CHANGE: NetStateEvent;
  CONVERSATION_LIST_UPDATED: ConversationListUpdatedEvent;
  MESSAGE_RECEIVED: MessageReceivedEvent;
  MESSAGE_SENT: MessageSentEvent;
  MESSAGE_FAILED: MessageFailedEvent;
  MESSAGE_DELETED: MessageDeletedEvent;
  HISTORY_CLEARED: HistoryClearedEvent;
  CONVERSATION_DELETED: ConversationDeletedEvent;
  DELETION_ACKNOWLEDGED: DeletionEvent;
  DELETION_REFUSED: DeletionEvent;
  ERASED: ErasedEvent;
  MESSAGE_REVOKED: MessageRevokedEvent;
  ROOM_CLOSED: RoomClosedEvent;
  ERROR: FatalEvent;
}

/** The codes of errors. docs/errors.md explains them. */
export const ErrorCode = {
  /** a message object of this chat is needed */
  MESSAGE_INVALID: 2105,
  /** the conversationType is not C2C, GROUP or @TIM#SYSTEM, or does not fit the call */
  CONVERSATION_TYPE_INVALID: 2106,
  /** neither this device nor the server knows the conversation */
  CONVERSATION_NOT_FOUND: 2500,
  /** the conversationID is empty, of the wrong type, or has an unknown prefix */
  CONVERSATION_ID_INVALID: 2503,
  /** there is no such group */
  GROUP_NOT_FOUND: 2603,
  /** the connection failed */
  NETWORK_ERROR: 2800,
  /** the server did not answer in time */
  NETWORK_TIMEOUT: 2801,
  /** the call needs the server and there is no connection */
  OFFLINE: 2805,
  /** something failed inside; the message says no more than it must */
  INTERNAL: 2903,
  /** nobody is logged in */
  NOT_READY: 2999,
  /** an argument is missing, of the wrong type, or out of its range */
  PARAMETER_INVALID: 10004,
  /** the user is not a member, or may not do this */
  PERMISSION_DENIED: 10007,
  /** the time in which a message may be recalled is over */
  RECALL_TOO_LATE: 10031,
  /** messages of a room cannot be deleted by its visitors; the server API clears them */
  ROOM_NOT_DELETABLE: 10035,
  /** the token has expired */
  TOKEN_EXPIRED: 70001,
  /** the token is not one that this server signed */
  TOKEN_INVALID: 70003,
  /** the token is another user's */
  TOKEN_OTHER_USER: 70013,
  /** the token is of another app */
  TOKEN_OTHER_APP: 70014,
  /** the token was revoked; log in with a new one */
  TOKEN_REVOKED: 70052,
  /** a message holds at most 65536 bytes of text and data */
  MESSAGE_TOO_LARGE: 80002,
  /** the call names more than 100 conversations or 1000 messages */
  LIMIT_EXCEEDED: 90001,
  /** a time is a positive whole number of milliseconds */
  TIME_INVALID: 90002,
  /** there is no such message */
  MESSAGE_NOT_FOUND: 90003,
  /** the deletion reaches above the newest message */
  ANCHOR_ABOVE_HEAD: 90004,
  /** the same operation id came before with another content */
  OPERATION_ID_REUSED: 90005,
  /** the message was deleted before it was sent */
  SEND_CANCELLED: 90006,
  /** the first attempt to send is more than 30 days old */
  SEND_EXPIRED: 90007,
  /** the server has not been told everything yet */
  OUTBOX_NOT_EMPTY: 90008,
  /** the device's storage refused; nothing was changed on it */
  STORAGE_FAILED: 90010,
  /** the device's storage is full; nothing was changed on it */
  STORAGE_FULL: 90011,
  /** another tab holds the database at another version */
  STORAGE_BLOCKED: 90012,
  /** the database was written by a newer Lethe and is left as it is */
  STORAGE_NEWER: 90013,
  /** the browser closed or deleted the database */
  STORAGE_LOST: 90014,
  /** some of what the device kept cannot be read; logging in again mends it with what the server has */
  STORAGE_DAMAGED: 90015,
  /** a token is needed */
  TOKEN_MISSING: 90020,
  /** the frame is not what the protocol says */
  FRAME_INVALID: 90030,
  /** the frame is too large */
  FRAME_TOO_LARGE: 90031,
  /** the server does not know this operation */
  OPERATION_UNKNOWN: 90032,
  /** server and client have no protocol version in common */
  VERSION_UNSUPPORTED: 90033,
  /** the core has stopped; create a new chat */
  RUNTIME_EXITED: 90040,
  /** this app keeps no history on the server, so there is none to delete there */
  STORAGE_NOT_ENABLED: 90042,
  /** there is no such room, or it was closed */
  ROOM_NOT_FOUND: 90050,
  /** join the room first */
  NOT_IN_ROOM: 90051,
  /** the user, the device or the network address has as many connections as it may */
  TOO_MANY_CONNECTIONS: 90060,
} as const;

/** The codes after which the same call may succeed later, with nothing changed by the caller. */
export const RETRYABLE: readonly number[] = [2800, 2801, 2805, 2903, 90008, 90010, 90011, 90012, 90014, 90015, 90060];
