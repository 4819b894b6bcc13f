import { ErrorCode, LetheError } from '../api.js';
import { EngineError } from './names.js';

type Code = (typeof ErrorCode)[keyof typeof ErrorCode];

/** RongCloud's number for each of Lethe's codes; a code without one does not compile. */
const ANY_CALL = {
  [ErrorCode.MESSAGE_INVALID]: EngineError.InvalidMessageArray,
  [ErrorCode.CONVERSATION_TYPE_INVALID]: EngineError.InvalidConversationType,
  [ErrorCode.CONVERSATION_NOT_FOUND]: EngineError.DatabaseDataNotFound,
  [ErrorCode.CONVERSATION_ID_INVALID]: EngineError.InvalidTargetId,
  [ErrorCode.GROUP_NOT_FOUND]: EngineError.NotInGroup,
  [ErrorCode.NETWORK_ERROR]: EngineError.NetChannelInvalid,
  [ErrorCode.NETWORK_TIMEOUT]: EngineError.ResponseTimeout,
  [ErrorCode.OFFLINE]: EngineError.NetUnavailable,
  [ErrorCode.INTERNAL]: EngineError.Unknown,
  [ErrorCode.NOT_READY]: EngineError.NetChannelInvalid,
  [ErrorCode.PARAMETER_INVALID]: EngineError.InvalidParameter,
  [ErrorCode.PERMISSION_DENIED]: EngineError.NotInGroup,
  [ErrorCode.RECALL_TOO_LATE]: EngineError.RecallFailed,
  [ErrorCode.ROOM_NOT_DELETABLE]: EngineError.ConversationTypeNotSupported,
  [ErrorCode.TOKEN_EXPIRED]: EngineError.TokenExpired,
  [ErrorCode.TOKEN_INVALID]: EngineError.TokenIncorrect,
  [ErrorCode.TOKEN_OTHER_USER]: EngineError.TokenIncorrect,
  [ErrorCode.TOKEN_OTHER_APP]: EngineError.NotAuthorized,
  [ErrorCode.TOKEN_REVOKED]: EngineError.TokenIncorrect,
  [ErrorCode.TOKEN_MISSING]: EngineError.TokenIncorrect,
  [ErrorCode.MESSAGE_TOO_LARGE]: EngineError.MessageSizeOutOfLimit,
  [ErrorCode.LIMIT_EXCEEDED]: EngineError.MessageLimit,
  [ErrorCode.TIME_INVALID]: EngineError.InvalidTimestamp,
  [ErrorCode.MESSAGE_NOT_FOUND]: EngineError.DatabaseDataNotFound,
  [ErrorCode.ANCHOR_ABOVE_HEAD]: EngineError.MessageDeleteError,
  [ErrorCode.OPERATION_ID_REUSED]: EngineError.MessageDeleteError,
  [ErrorCode.SEND_CANCELLED]: EngineError.MessageDeleteError,
  [ErrorCode.SEND_EXPIRED]: EngineError.ResponseTimeout,
  [ErrorCode.OUTBOX_NOT_EMPTY]: EngineError.NetUnavailable,
  [ErrorCode.STORAGE_FAILED]: EngineError.DatabaseError,
  [ErrorCode.STORAGE_FULL]: EngineError.DatabaseDiskFull,
  [ErrorCode.STORAGE_BLOCKED]: EngineError.DatabaseError,
  [ErrorCode.STORAGE_NEWER]: EngineError.DatabaseError,
  [ErrorCode.STORAGE_LOST]: EngineError.DatabaseError,
  [ErrorCode.STORAGE_DAMAGED]: EngineError.DatabaseError,
  [ErrorCode.FRAME_INVALID]: EngineError.NetChannelInvalid,
  [ErrorCode.FRAME_TOO_LARGE]: EngineError.MessageSizeOutOfLimit,
  [ErrorCode.OPERATION_UNKNOWN]: EngineError.NotSupported,
  [ErrorCode.VERSION_UNSUPPORTED]: EngineError.NotSupported,
  [ErrorCode.RUNTIME_EXITED]: EngineError.ClientNotInit,
  [ErrorCode.STORAGE_NOT_ENABLED]: EngineError.MessageStorageUnavailable,
  [ErrorCode.ROOM_NOT_FOUND]: EngineError.ChatroomNotExist,
  [ErrorCode.NOT_IN_ROOM]: EngineError.NotInChatroom,
  [ErrorCode.TOO_MANY_CONNECTIONS]: EngineError.NetChannelInvalid,
} satisfies Record<Code, EngineError>;

type Table = Partial<Record<number, EngineError>>;

/** Where a call has a number of its own for what went wrong. */
const ONE_CALL: Partial<Record<string, Table>> = {
  deleteRemoteMessages: { [ErrorCode.PARAMETER_INVALID]: EngineError.InvalidMessageUid },
  getRemoteHistoryMessages: { [ErrorCode.STORAGE_NOT_ENABLED]: EngineError.RoamingServiceUnavailable },
  recallMessage: {
    [ErrorCode.MESSAGE_NOT_FOUND]: EngineError.RecallFailed,
    [ErrorCode.PERMISSION_DENIED]: EngineError.RecallUserInvalid,
    [ErrorCode.PARAMETER_INVALID]: EngineError.InvalidMessageUid,
  },
  joinChatRoom: { [ErrorCode.PARAMETER_INVALID]: EngineError.InvalidTargetId },
  quitChatRoom: { [ErrorCode.PARAMETER_INVALID]: EngineError.InvalidTargetId },
  removeConversation: { [ErrorCode.CONVERSATION_NOT_FOUND]: EngineError.ConversationRemoveError },
  batchDeleteConversations: {
    [ErrorCode.CONVERSATION_NOT_FOUND]: EngineError.ConversationRemoveError,
    [ErrorCode.LIMIT_EXCEEDED]: EngineError.InvalidConversationList,
    [ErrorCode.PARAMETER_INVALID]: EngineError.InvalidConversationList,
  },
};

/** What the face itself refuses with; no call lets it out. */
export class Refusal extends Error {
  readonly code: EngineError;

  constructor(code: EngineError, message: string) {
    super(message);
    this.code = code;
  }
}

/** RongCloud's number for Lethe's code in a call. */
export function engineCode(call: string, code: number): EngineError {
  return ONE_CALL[call]?.[code] ?? (ANY_CALL as Table)[code] ?? EngineError.Unknown;
}

/** RongCloud's number for whatever a call threw. */
export function engineErrorOf(call: string, thrown: unknown): EngineError {
  if (thrown instanceof Refusal) {
    return thrown.code;
  }
  return thrown instanceof LetheError ? engineCode(call, thrown.code) : EngineError.Unknown;
}
