import { checked } from './arguments.js';
import { LetheError } from './errors.js';
import { ErrorCode, type Message, type Quote } from './types.gen.js';

/** What a message carries. Text messages have text; the rest is Tencent's custom message, and the app's own. */
export interface Payload {
  text?: string;
  data?: string;
  description?: string;
  extension?: string;
  [key: string]: unknown;
}

/** Conversation and message types, in Tencent's names. */
export const TYPES = {
  CONV_C2C: 'C2C',
  CONV_GROUP: 'GROUP',
  CONV_SYSTEM: '@TIM#SYSTEM',
  CONV_ROOM: 'ROOM',
  MSG_TEXT: 'TIMTextElem',
  MSG_CUSTOM: 'TIMCustomElem',
} as const;

/** What createTextMessage and createCustomMessage take. */
export interface MessageOptions<P extends Payload = Payload> {
  /** userID, groupID or roomID */
  to: string;
  conversationType: 'C2C' | 'GROUP' | 'ROOM';
  payload: P;
  /** A sent message of the same conversation that this one quotes. */
  quote?: Message;
}

const SENDABLE: readonly unknown[] = [TYPES.CONV_C2C, TYPES.CONV_GROUP, TYPES.CONV_ROOM];

/** Makes a message that has no names yet: the core gives them when it is sent. Throws a LetheError. */
export function createMessage(type: string, options: MessageOptions, from: string): Message {
  if (typeof options !== 'object' || options === null) {
    throw new LetheError(ErrorCode.PARAMETER_INVALID, 'a message needs {to, conversationType, payload}');
  }
  const { to, conversationType, payload, quote } = options;
  if (!SENDABLE.includes(conversationType)) {
    throw new LetheError(ErrorCode.CONVERSATION_TYPE_INVALID, 'conversationType: C2C, GROUP or ROOM is needed');
  }
  if (typeof to !== 'string' || to === '') {
    throw new LetheError(ErrorCode.PARAMETER_INVALID, 'to: a userID, groupID or roomID is needed');
  }
  if (Object.prototype.toString.call(payload) !== '[object Object]') {
    throw new LetheError(ErrorCode.PARAMETER_INVALID, 'payload: an object is needed');
  }
  if (type === TYPES.MSG_TEXT && (typeof payload.text !== 'string' || payload.text === '')) {
    throw new LetheError(ErrorCode.PARAMETER_INVALID, 'payload.text: a text is needed');
  }
  if (quote !== undefined && !isNamedMessage(quote)) {
    throw new LetheError(ErrorCode.MESSAGE_INVALID, 'quote: a sent message of this chat is needed');
  }
  const now = Date.now();
  return {
    ID: '',
    messageID: 0,
    conversationID: conversationType + to,
    conversationType,
    type,
    from,
    to,
    payload: checked(payload) as Payload,
    seq: 0,
    time: Math.floor(now / 1000),
    sentTime: now,
    flow: 'out',
    status: 'unSend',
    isRevoked: false,
    revoker: '',
    quote: quote === undefined ? null : quoteOf(quote),
  };
}

function quoteOf({ ID, seq, from, type, payload }: Message): Quote {
  return { ID, seq, status: 'normal', from, type, payload };
}

/** Whether a value names a message that the core has given a name to. */
export function isNamedMessage(value: unknown): value is Message {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  const { ID, messageID } = value as Partial<Message>;
  return (typeof ID === 'string' && ID !== '') || (typeof messageID === 'number' && messageID > 0);
}
