/** RongCloud's numbers. */
export const EngineError = {
  Success: 0,
  Unknown: -1,
  NotInGroup: 22406,
  NotInChatroom: 23406,
  ChatroomNotExist: 23410,
  RecallFailed: 25101,
  MessageStorageUnavailable: 25102,
  RecallUserInvalid: 25107,
  NetChannelInvalid: 30001,
  NetUnavailable: 30002,
  ResponseTimeout: 30003,
  MessageSizeOutOfLimit: 30016,
  TokenIncorrect: 31004,
  NotAuthorized: 31005,
  TokenExpired: 31020,
  ClientNotInit: 33001,
  DatabaseError: 33002,
  InvalidParameter: 33003,
  RoamingServiceUnavailable: 33007,
  MessageDeleteError: 33009,
  ConnectionExists: 34001,
  ConversationTypeNotSupported: 34201,
  InvalidTimestamp: 34202,
  InvalidMessageUid: 34203,
  InvalidMessageId: 34204,
  MessageLimit: 34206,
  InvalidConversationType: 34209,
  InvalidTargetId: 34210,
  InvalidChannelId: 34211,
  InvalidConversation: 34225,
  InvalidMessageArray: 34229,
  InvalidConversationList: 34287,
  DatabaseDataNotFound: 34304,
  DatabaseDiskFull: 34439,
  NotSupported: 35004,
  ConversationRemoveError: 35020,
} as const;

export type EngineError = (typeof EngineError)[keyof typeof EngineError];

/** Lethe has Private, Group, Chatroom and System; the others answer ConversationTypeNotSupported. */
export const ConversationType = {
  None: 0,
  Private: 1,
  Discussion: 2,
  Group: 3,
  Chatroom: 4,
  CustomerService: 5,
  System: 6,
  AppPublicService: 7,
  PublicService: 8,
  UltraGroup: 10,
  RtcRoom: 12,
} as const;

export type ConversationType = (typeof ConversationType)[keyof typeof ConversationType];

export const MessageDirection = { Send: 1, Receive: 2 } as const;

export type MessageDirection = (typeof MessageDirection)[keyof typeof MessageDirection];

export const SentStatus = { Sending: 10, Failed: 20, Sent: 30 } as const;

export type SentStatus = (typeof SentStatus)[keyof typeof SentStatus];
