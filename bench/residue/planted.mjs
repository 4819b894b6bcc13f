// What is planted: conversations in which every text, name, user and draft is a mark of its own, and what is deleted of them.
import { randomBytes, randomInt } from 'node:crypto';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const DAY = 86_400_000;

/** What stands beside a mark, so that there is something to compress; with the second, a string is stored in UTF-16. */
const WORDS = 'see you at the station, platform two, twenty minutes past eight as always';
const WIDE = '世界, see you at the station, platform two, twenty minutes past eight as always';

/** What a mark stands in: a line; now and then one of two-byte letters; and long texts, of which one can be packed. */
function around(mark, i, longest) {
  switch (i) {
    case 1:
      return `${mark} ${`${WORDS} `.repeat(longest / WORDS.length - 1)}`;
    case 2:
      return `${mark} ${randomBytes(longest / 2 - 16).toString('hex')}`;
    default:
      return `${mark} ${i % 5 ? WORDS : WIDE}`;
  }
}

/** How many of a conversation's messages are sent live at the end; the others are older history. */
const LIVE = 4;

/** 24 letters that nothing else has and nothing can compress. */
export function newMark() {
  return Array.from({ length: 24 }, () => LETTERS[randomInt(LETTERS.length)]).join('');
}

/**
 * Conversations of size messages each, the longest of so many letters, all but the user's own side marked:
 *   {way, conversationID, name, draft, other, messages: [{id, mark, from, time, text, goes}]}
 * way is how messages of it are deleted, goes tells of each message whether they take it.
 * marks: mark → {kind: text | name | user | draft, goes}; what does not go first goes with the wipe.
 */
export function plant(size, longest) {
  const marks = new Map();
  const mark = (kind, goes) => {
    const made = newMark();
    marks.set(made, { kind, goes });
    return made;
  };
  const start = Date.now() - 20 * DAY;
  const conversation = (way, number, { leaves = false, kept = () => false } = {}) => {
    const single = number % 2 === 0; // a talk of two, or a group
    const other = single ? mark('user', leaves) : 'other';
    const target = single ? other : `g${number}`;
    const messages = Array.from({ length: size }, (_, i) => {
      const goes = way !== 'untouched' && !kept(i);
      const text = mark('text', goes);
      return {
        id: newID(),
        mark: text,
        from: i % 3 ? other : 'me',
        time: start + i * 1000,
        text: around(text, i, longest),
        goes,
        live: i >= size - LIVE,
      };
    });
    return {
      way,
      conversationID: `${single ? 'C2C' : 'GROUP'}${target}`,
      other,
      name: single ? '' : mark('name', leaves),
      draft: mark('draft', leaves),
      messages,
    };
  };
  const conversations = [
    conversation('whole', 0, { leaves: true }),
    conversation('several', 1, { leaves: true }),
    conversation('several', 2, { leaves: true }),
    conversation('cleared', 3),
    conversation('ids', 5, { kept: (i) => i < size / 2 }), // the newest go, and so does what the list shows of them
    conversation('older', 6, { kept: (i) => i >= size / 2 }),
    conversation('untouched', 7),
  ];
  return { conversations, marks };
}

function newID() {
  return Array.from({ length: 32 }, () => randomInt(16).toString(16)).join('');
}

/** The deletions, in the words of an app. */
export function deletionsOf({ conversations }) {
  const ways = (way) => conversations.filter((conversation) => conversation.way === way);
  const [older] = ways('older');
  return {
    conversations: [...ways('whole'), ...ways('several')].map(({ conversationID }) => conversationID),
    cleared: ways('cleared').map(({ conversationID }) => conversationID),
    ids: ways('ids').flatMap(({ messages }) => messages.filter(({ goes }) => goes).map(({ id }) => id)),
    older: { conversationID: older.conversationID, before: older.messages.find(({ goes }) => !goes).time },
  };
}
