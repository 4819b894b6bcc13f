import { ErrorCode, LetheError } from '../api.js';

/** Tencent's numbers that Lethe's own errors do not have. */
export const IM_CODE = {
  USER_NOT_LOGGED_IN: 2024,
  MESSAGE_REVOKE_FAIL: 2110,
  MESSAGE_DELETE_FAIL: 2111,
  CANNOT_DELETE_SYSTEM_NOTICE: 2116,
  FEATURE_NOT_ENABLED: 3122,
  RECALL_MESSAGE_GONE: 10030,
  USER_SIG_EMPTY: 70002,
} as const;

type Table = Partial<Record<number, number>>;

/** Lethe's numbers follow Tencent's already; here stand those that do not. What has no counterpart keeps Lethe's 90xxx. */
const ANY_CALL: Table = {
  [ErrorCode.TOKEN_MISSING]: IM_CODE.USER_SIG_EMPTY,
  [ErrorCode.STORAGE_NOT_ENABLED]: IM_CODE.FEATURE_NOT_ENABLED,
  [ErrorCode.RUNTIME_EXITED]: ErrorCode.NOT_READY,
};

const STORAGE = [
  ErrorCode.STORAGE_FAILED,
  ErrorCode.STORAGE_FULL,
  ErrorCode.STORAGE_BLOCKED,
  ErrorCode.STORAGE_NEWER,
  ErrorCode.STORAGE_LOST,
  ErrorCode.STORAGE_DAMAGED,
];

const ONE_CALL: Partial<Record<string, Table>> = {
  logout: { [ErrorCode.NOT_READY]: IM_CODE.USER_NOT_LOGGED_IN },
  revokeMessage: {
    ...Object.fromEntries(STORAGE.map((code) => [code, IM_CODE.MESSAGE_REVOKE_FAIL])),
    [ErrorCode.INTERNAL]: IM_CODE.MESSAGE_REVOKE_FAIL,
    [ErrorCode.MESSAGE_NOT_FOUND]: IM_CODE.RECALL_MESSAGE_GONE,
  },
  deleteMessage: {
    ...Object.fromEntries(STORAGE.map((code) => [code, IM_CODE.MESSAGE_DELETE_FAIL])),
    [ErrorCode.INTERNAL]: IM_CODE.MESSAGE_DELETE_FAIL,
    [ErrorCode.MESSAGE_NOT_FOUND]: IM_CODE.MESSAGE_DELETE_FAIL,
  },
};

/** What the calls reject with: imError of Tencent's documents. */
export class ImError extends Error {
  override readonly name = 'ImError';
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data: unknown = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.data = data;
  }
}

/** The number of Lethe's code in a call. */
export function imCode(call: string, code: number): number {
  return ONE_CALL[call]?.[code] ?? ANY_CALL[code] ?? code;
}

/** Makes an ImError of what a call of the core threw. data is what the rejection carries besides. */
export function imError(call: string, thrown: unknown, data?: unknown): ImError {
  if (thrown instanceof ImError) {
    return thrown;
  }
  if (thrown instanceof LetheError) {
    return new ImError(imCode(call, thrown.code), thrown.message, data ?? thrown.data, { cause: thrown });
  }
  return new ImError(imCode(call, ErrorCode.INTERNAL), String(thrown), data, { cause: thrown });
}
