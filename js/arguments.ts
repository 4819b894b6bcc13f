import { LetheError } from './errors.js';
import { ARGUMENTS, ErrorCode, type Methods } from './types.gen.js';

// The core checks what it is given. Here is only what would be lost or changed on the way to it: values that MessagePack
// has no word for, undefined, null where Go reads "absent", and misspelt names.

const DEEPEST = 64;

/**
 * Copies a value that consists of objects, arrays, strings, numbers, booleans and null. Undefined fields are left out.
 * Anything else (functions, symbols, BigInt, Date, Map, bytes …) is refused with the given code.
 */
export function checked(value: unknown, code: number = ErrorCode.PARAMETER_INVALID, depth = 0): unknown {
  if (depth > DEEPEST) {
    throw new LetheError(code, 'an argument is nested too deeply, or contains itself');
  }
  switch (typeof value) {
    case 'string':
      return wellFormed(value);
    case 'number':
    case 'boolean':
      return value;
    case 'undefined':
      return null;
    case 'object':
      break;
    default:
      throw new LetheError(code, `a ${typeof value} cannot be sent`);
  }
  if (value === null) {
    return null;
  }
  if (Array.isArray(value)) {
    return value.map((item) => checked(item, code, depth + 1));
  }
  const tag = Object.prototype.toString.call(value);
  if (tag !== '[object Object]') {
    throw new LetheError(code, `${tag} cannot be sent`);
  }
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    if (key === '__proto__') {
      throw new LetheError(code, 'a field called __proto__ cannot be sent');
    }
    if (item !== undefined) {
      copy[key] = checked(item, depth === 0 ? codeFor(key, code) : code, depth + 1);
    }
  }
  return copy;
}

/** Checks a call's arguments and copies them. */
export function checkedRequest(method: keyof Methods, request: unknown): unknown {
  if (typeof request === 'object' && request !== null) {
    const known = ARGUMENTS[method];
    for (const [key, value] of Object.entries(request)) {
      if (!known.includes(key)) {
        throw new LetheError(ErrorCode.PARAMETER_INVALID, `${method} has no argument ${key}`);
      }
      // Go reads null as absent, and an absent limit means everything.
      if (value === null) {
        throw new LetheError(codeFor(key), `${key} is null`);
      }
    }
  }
  return checked(request);
}

/** The code for a wrong argument, by its name. */
export function codeFor(key: string, otherwise: number = ErrorCode.PARAMETER_INVALID): number {
  switch (key) {
    case 'conversationID':
    case 'conversationIDList':
      return ErrorCode.CONVERSATION_ID_INVALID;
    case 'before':
      return ErrorCode.TIME_INVALID;
    default:
      return otherwise;
  }
}

/** Half a surrogate pair is no character in UTF-8, so it becomes U+FFFD here rather than broken bytes there. */
function wellFormed(text: string): string {
  return typeof text.toWellFormed === 'function' ? text.toWellFormed() : text;
}
