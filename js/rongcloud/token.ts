import { Refusal } from './errors.js';
import { EngineError } from './names.js';

/** The userID in a token, which connect does not name. Throws a Refusal; whether the token is good is the server's to say. */
export function subjectOf(token: string): string {
  try {
    const claims = String(token).split('.')[1] ?? '';
    const bytes = Uint8Array.from(atob(claims.replace(/-/g, '+').replace(/_/g, '/')), (letter) => letter.charCodeAt(0));
    const { sub } = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof sub === 'string' && sub !== '') {
      return sub;
    }
  } catch {
    // not a JWT
  }
  throw new Refusal(EngineError.TokenIncorrect, 'the token names no user');
}
