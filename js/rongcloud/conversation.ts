import type * as Lethe from '../api.js';
import { Refusal } from './errors.js';
import { ConversationType, EngineError } from './names.js';

/** Names a conversation. */
export class ConversationIdentifier {
  conversationType: ConversationType = ConversationType.None;
  targetId = '';
  /** Channels are a thing of ultra groups, which Lethe has not. */
  channelId = '';
}

/** What names a conversation: a ConversationIdentifier, or web code's plain object. */
export type ConversationLike = Pick<ConversationIdentifier, 'conversationType' | 'targetId'> & { channelId?: string };

const PREFIXES: Partial<Record<ConversationType, string>> = {
  [ConversationType.Private]: 'C2C',
  [ConversationType.Group]: 'GROUP',
  [ConversationType.Chatroom]: 'ROOM',
  [ConversationType.System]: '@TIM#SYSTEM',
};

/** The conversationID. Throws a Refusal that says which part of the name is wrong. */
export function conversationIDOf(conversation: ConversationLike): string {
  if (typeof conversation !== 'object' || conversation === null) {
    throw new Refusal(EngineError.InvalidConversation, 'a ConversationIdentifier is needed');
  }
  const { conversationType, targetId, channelId = '' } = conversation;
  if (conversationType === ConversationType.None || !Object.values(ConversationType).includes(conversationType)) {
    throw new Refusal(EngineError.InvalidConversationType, `no conversationType ${String(conversationType)}`);
  }
  const prefix = PREFIXES[conversationType];
  if (prefix === undefined) {
    throw new Refusal(
      EngineError.ConversationTypeNotSupported,
      `conversationType ${conversationType} is not supported`,
    );
  }
  // Notices may have no sender.
  if (typeof targetId !== 'string' || (targetId === '' && conversationType !== ConversationType.System)) {
    throw new Refusal(EngineError.InvalidTargetId, 'targetId: a userID, groupID or roomID is needed');
  }
  if (channelId !== '') {
    throw new Refusal(EngineError.InvalidChannelId, 'there are no channels');
  }
  return prefix + targetId;
}

/** The name that RongCloud's code has for a conversationID. */
export function identifierOf(conversationID: string): ConversationIdentifier {
  const identifier = new ConversationIdentifier();
  for (const [type, prefix] of Object.entries(PREFIXES)) {
    if (conversationID.startsWith(prefix)) {
      identifier.conversationType = Number(type) as ConversationType;
      identifier.targetId = conversationID.slice(prefix.length);
    }
  }
  return identifier;
}

/** A line of the list. */
export interface Conversation extends ConversationIdentifier {
  title: string;
  unreadMessageCount: number;
  /** ms */
  sentTime: number;
  draft: string;
  /** The preview, if any message is shown. */
  latestMessage: { objectName: string; senderId: string; content: Lethe.Payload } | undefined;
}

export function rongConversation(conversation: Lethe.Conversation): Conversation {
  const { lastMessage } = conversation;
  return Object.assign(identifierOf(conversation.conversationID), {
    title: conversation.name,
    unreadMessageCount: conversation.unreadCount,
    sentTime: conversation.lastTime,
    draft: conversation.draft,
    latestMessage: lastMessage
      ? {
          objectName: lastMessage.type,
          senderId: lastMessage.fromAccount,
          content: lastMessage.payload,
        }
      : undefined,
  });
}
