import type * as Lethe from '../api.js';

/** A message as Tencent's code knows it, on the object of Lethe's. Times are seconds. */
export interface Message extends Lethe.Message {
  sequence: number;
  nick: string;
  avatar: string;
  cloudCustomData: string;
  isDeleted: boolean;
  isModified: boolean;
  /** Who recalled it; the userID is empty for an administrator. */
  revokerInfo: { userID: string; nick: string; avatar: string };
}

/** What createTextMessage and createCustomMessage take. */
export interface MessageOptions<P extends Lethe.Payload = Lethe.Payload> {
  to: string;
  conversationType: 'C2C' | 'GROUP';
  payload: P;
  cloudCustomData?: string;
  quote?: Message;
}

/** A line of the list as Tencent's code knows it. */
export interface Conversation {
  conversationID: string;
  type: string;
  unreadCount: number;
  lastMessage: Lethe.LastMessage;
  userProfile: { userID: string; nick: string; avatar: string } | undefined;
  groupProfile: { groupID: string; name: string } | undefined;
  draftText: string;
  isPinned: boolean;
}

/** What a conversation that shows no message has as its last one, so that its fields can be read without asking. */
const NO_MESSAGE: Lethe.LastMessage = {
  lastTime: 0,
  lastSequence: 0,
  fromAccount: '',
  type: '',
  messageForShow: '',
  payload: {},
};

/** Adds to a message what Tencent's has more; also after its fields have changed. */
export function imMessage(message: Lethe.Message): Message {
  const { revoker, payload } = message;
  return Object.assign(message, {
    sequence: message.seq,
    nick: '',
    avatar: '',
    cloudCustomData: typeof payload?.cloudCustomData === 'string' ? payload.cloudCustomData : '',
    isDeleted: false,
    isModified: false,
    revokerInfo: { userID: revoker, nick: '', avatar: '' },
  });
}

/** The core has no field beside the payload, so what goes with a message travels in it. */
export function coreOptions<P extends Lethe.Payload>(options: MessageOptions<P>): Lethe.MessageOptions<P> {
  if (options?.cloudCustomData === undefined) {
    return options;
  }
  const { cloudCustomData, ...rest } = options;
  return { ...rest, payload: { ...rest.payload, cloudCustomData } };
}

export function imConversation(conversation: Lethe.Conversation): Conversation {
  const { conversationID, type, name, unreadCount, lastMessage, draft } = conversation;
  return {
    conversationID,
    type,
    unreadCount,
    lastMessage: lastMessage ?? { ...NO_MESSAGE },
    userProfile: type === 'C2C' ? { userID: conversationID.slice('C2C'.length), nick: '', avatar: '' } : undefined,
    groupProfile: type === 'GROUP' ? { groupID: conversationID.slice('GROUP'.length), name } : undefined,
    draftText: draft,
    isPinned: false,
  };
}
