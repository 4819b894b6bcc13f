import { type Message as LetheMessage, type MessageKey, TYPES } from '../api.js';
import { ConversationIdentifier, type ConversationLike, conversationIDOf, identifierOf } from './conversation.js';
import { Refusal } from './errors.js';
import { itemsOf, type List } from './list.js';
import { ConversationType, EngineError, MessageDirection, SentStatus } from './names.js';

const TEXT = 'RC:TxtMsg';
const RECALL_NOTICE = 'RC:RcNtf';

/** The content of a text message. */
export class TextMessage {
  readonly objectName = TEXT;
  content: string;

  constructor(content: string | { content: string } = '') {
    this.content = typeof content === 'string' ? content : content?.content;
  }
}

/** What stands in the place of a recalled message. */
export interface RecallNotificationMessage {
  objectName: typeof RECALL_NOTICE;
  /** Who recalled it, empty for an administrator. */
  operatorId: string;
}

export type MessageContent = TextMessage | RecallNotificationMessage | Record<string, unknown>;

/** A message, in HarmonyOS's names; web code's other names for the same read them. */
export class Message extends ConversationIdentifier {
  /** The number on this device. */
  messageId = 0;
  /** The name that is the same everywhere; empty until sent. */
  messageUid = '';
  direction: MessageDirection = MessageDirection.Send;
  senderId = '';
  /** ms */
  sentTime = 0;
  sentStatus: SentStatus = SentStatus.Sending;
  objectName = '';
  content: MessageContent;

  constructor(conversation: ConversationLike, content: MessageContent) {
    super();
    this.conversationType = conversation?.conversationType;
    this.targetId = conversation?.targetId;
    this.channelId = conversation?.channelId ?? '';
    this.content = content;
    this.objectName = String(content?.objectName ?? '');
  }

  get messageUId(): string {
    return this.messageUid;
  }

  get messageDirection(): MessageDirection {
    return this.direction;
  }

  get senderUserId(): string {
    return this.senderId;
  }

  get messageType(): string {
    return this.objectName;
  }
}

const STATUS: Partial<Record<string, SentStatus>> = {
  success: SentStatus.Sent,
  fail: SentStatus.Failed,
  unSend: SentStatus.Sending,
};

export function rongMessage(message: LetheMessage): Message {
  return Object.assign(new Message(identifierOf(message.conversationID), contentOf(message)), {
    messageId: message.messageID,
    messageUid: message.seq > 0 ? message.ID : '',
    direction: message.flow === 'out' ? MessageDirection.Send : MessageDirection.Receive,
    senderId: message.from,
    sentTime: message.sentTime,
    sentStatus: STATUS[message.status] ?? SentStatus.Sent,
  });
}

function contentOf({ isRevoked, revoker, type, payload }: LetheMessage): MessageContent {
  if (isRevoked) {
    return { objectName: RECALL_NOTICE, operatorId: revoker };
  }
  return type === TYPES.MSG_TEXT ? new TextMessage(payload.text ?? '') : { ...payload, objectName: type };
}

/** What names a message: a Message, or web code's {messageUId, sentTime, messageDirection}. */
export type MessageLike = {
  messageUid?: string;
  messageUId?: string;
  messageId?: number;
} & Partial<ConversationLike>;

/** The names of messages of one conversation. Throws a Refusal where one is none, or says that it is of another. */
export function keysOf(
  conversation: ConversationLike,
  messages: List<MessageLike> | readonly MessageLike[],
): MessageKey[] {
  const conversationID = conversationIDOf(conversation);
  if (conversation.conversationType === ConversationType.Chatroom) {
    throw new Refusal(EngineError.ConversationTypeNotSupported, 'messages of a room are not deleted by its visitors');
  }
  const items = itemsOf(messages);
  if (!items || items.length === 0) {
    throw new Refusal(EngineError.InvalidMessageArray, 'a list of messages is needed');
  }
  return items.map((message) => {
    const key = keyOf(message);
    if (!key || (message.targetId !== undefined && conversationIDOf(message as ConversationLike) !== conversationID)) {
      throw new Refusal(
        EngineError.InvalidMessageArray,
        'the list holds something that is no message of the conversation',
      );
    }
    return key;
  });
}

/** The name of a message; nothing if the value has none. */
export function keyOf(message: MessageLike | undefined): MessageKey | undefined {
  const uid = message?.messageUid || message?.messageUId;
  if (uid) {
    return { ID: uid };
  }
  return message?.messageId ? { messageID: message.messageId } : undefined;
}
