import type { Chat, CreateOptions } from '../api.js';
import { Engine } from './engine.js';

export { type Conversation, ConversationIdentifier, type ConversationLike } from './conversation.js';
export type { Deletion, Engine, Result } from './engine.js';
export type { HistoryOption } from './history.js';
export { List } from './list.js';
export type {
  ConnectionStatusListener,
  EventListener,
  MessageRecalledListener,
  MessageReceivedListener,
  ReceivedInfo,
} from './listeners.js';
export {
  Message,
  type MessageContent,
  type MessageLike,
  type RecallNotificationMessage,
  TextMessage,
} from './message.js';
export { ConversationType, EngineError, MessageDirection, SentStatus } from './names.js';

/** IMEngine, over the create of a way in: one engine a page. */
export function imEngine(create: (options: CreateOptions) => Promise<Chat>): { getInstance(): Engine } {
  const engine = new Engine(create);
  return { getInstance: () => engine };
}
