import { ErrorCode, RETRYABLE } from './types.gen.js';

/** Every failure of a chat is one of these. docs/errors.md lists the codes. */
export class LetheError extends Error {
  readonly code: number;
  /** Whether the same call may succeed later with nothing changed by the caller. */
  readonly retryable: boolean;
  /** What the call did before it failed, where a batch reports its items. */
  readonly data: unknown;

  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.name = nameOf(code);
    this.code = code;
    this.retryable = RETRYABLE.includes(code);
    this.data = data;
  }
}

function nameOf(code: number): string {
  const found = Object.entries(ErrorCode).find(([, value]) => value === code);
  return found ? found[0] : 'UNKNOWN';
}

/** What a value thrown by anything else says. */
export function textOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
