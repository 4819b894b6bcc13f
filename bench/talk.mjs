// The messages that every candidate is given: real texts and senders where they are there, at times of our own.
import { daysOfTalk } from '../e2e/talk.mjs';

const TEXTS = 100_000;
/**
 * The first message was sent 130 days ago and a million end 14 days ago: all are younger than what the server's retention
 * takes (180 days), and older than what it sends to a new device unasked (7 days).
 */
const START = Date.now() - 130 * 86_400_000;

/** When the message of a seq was sent: one every 10 s, so that a time cuts exactly. */
export function timeOf(seq) {
  return START + seq * 10_000;
}

export class Talk {
  #texts;

  constructor() {
    const { source, days } = daysOfTalk(8, TEXTS);
    this.source = source;
    this.#texts = days.flatMap(({ messages }) => messages);
  }

  /** Messages of a conversation from a seq on. Each conversation begins at another place of the talk, and goes round. */
  batch(conversationID, seq, count) {
    const start = [...conversationID].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) % this.#texts.length;
    return Array.from({ length: count }, (_, i) => {
      const { from, text } = this.#texts[(start + seq + i) % this.#texts.length];
      return { from, time: timeOf(seq + i), text };
    });
  }
}
