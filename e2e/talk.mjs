// Days of talk to load: real ones where ../shared/data has them, else generated ones of the same shape.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { ROOT } from './server.mjs';

const ARCHIVE = '../shared/data/ubuntu-irc/ubuntu-irc.tar.gz';

/**
 * At least the given number of days and of messages. Each day is {name, messages: [{from, time, text}]}, times never fall.
 * source says where they come from.
 */
export function daysOfTalk(leastDays, leastMessages) {
  const archive = join(ROOT, ARCHIVE);
  const real = existsSync(archive);
  const days = [];
  let messages = 0;
  for (const day of real ? archivedDays(archive) : generatedDays()) {
    if (days.length >= leastDays && messages >= leastMessages) {
      break;
    }
    days.push(day);
    messages += day.messages.length;
  }
  return { source: real ? ARCHIVE : 'generated chats', days, messages };
}

function* archivedDays(archive) {
  const files = [...filesOf(gunzipSync(readFileSync(archive)))].filter(({ name }) => name.endsWith('.txt'));
  for (const { name, bytes } of files.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const date = /\d{4}-\d\d-\d\d/.exec(name)[0];
    yield { name: date, messages: [...messagesOf(date, new TextDecoder().decode(bytes))] };
  }
}

/** Reads a tar archive: a header of 512 bytes a file, then its bytes, filled up to 512. */
function* filesOf(tar) {
  for (let at = 0; tar[at] !== 0 && at < tar.length; ) {
    const field = (from, length) => tar.toString('latin1', at + from, at + from + length).replace(/\0.*$/s, '');
    const size = Number.parseInt(field(124, 12), 8);
    at += 512;
    yield { name: field(-512, 100), bytes: tar.subarray(at, at + size) };
    at += Math.ceil(size / 512) * 512;
  }
}

/** The lines `[HH:MM] <nick> text`. A clock that goes back (a summer's end, a slip) stands still here. */
function* messagesOf(date, lines) {
  let time = 0;
  for (const line of lines.split('\n')) {
    const found = /^\[(\d\d):(\d\d)\] <([^>]+)> (.+)$/.exec(line.trimEnd());
    if (found) {
      const [, hour, minute, nick, text] = found;
      time = Math.max(time, Date.parse(`${date}T${hour}:${minute}:00Z`));
      yield { from: nick.replace(/[^\x21-\x7e]/g, '_'), time, text };
    }
  }
}

const WORDS =
  'anyone know how to mount this disk again after the update it says permission denied try the other kernel thanks that did it ' +
  'wifi card is not found paste the output somewhere no idea sorry reboot works für mich どうも спасибо http://example.org/x?a=1 :)';

/** Invented talk, the same every time: 1 500 lines a day, many a minute, a few busy nicks among many. */
function* generatedDays() {
  const words = WORDS.split(' ');
  const next = randomNumbers(20041225);
  for (let day = 0; ; day++) {
    const start = Date.UTC(2005, 0, 1 + day);
    const messages = [];
    for (let i = 0; i < 1500; i++) {
      const length = 1 + Math.floor(next() ** 2 * 40);
      const text = Array.from({ length }, () => words[Math.floor(next() * words.length)]).join(' ');
      messages.push({
        from: `nick${Math.floor(next() ** 3 * 120)}`,
        time: start + Math.floor((i * 1440) / 1500) * 60_000,
        text,
      });
    }
    yield { name: new Date(start).toISOString().slice(0, 10), messages };
  }
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function randomNumbers(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
