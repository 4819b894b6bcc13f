import { create } from '../index.js';
import { imEngine } from './face.js';

export {
  type ConnectionStatusListener,
  type Conversation,
  ConversationIdentifier,
  type ConversationLike,
  ConversationType,
  type Deletion,
  type Engine,
  EngineError,
  type EventListener,
  type HistoryOption,
  List,
  Message,
  type MessageContent,
  MessageDirection,
  type MessageLike,
  type MessageRecalledListener,
  type MessageReceivedListener,
  type RecallNotificationMessage,
  type ReceivedInfo,
  type Result,
  SentStatus,
  TextMessage,
} from './face.js';

export const IMEngine = imEngine(create);
