// Looks for thousands of byte strings at once (Wu and Manber's way: three bytes at a time tell how far to go on).

/** What a string is looked up as: its halves, so that one that is cut in two, or overwritten in part, is found as well. */
function halves(text) {
  const middle = text.length >> 1;
  return [text.slice(0, middle), text.slice(middle)];
}

/** The ways in which a mark is written: in bytes, and in UTF-16 either way round. Each is {bytes, owner, how}. */
export function markNeedles(marks) {
  return marks.flatMap((mark) =>
    halves(mark).flatMap((half) => {
      const little = Buffer.from(half, 'utf16le');
      return [
        { bytes: Buffer.from(half, 'latin1'), owner: mark, how: 'text' },
        { bytes: little, owner: mark, how: 'UTF-16LE' },
        { bytes: Buffer.from(little).swap16(), owner: mark, how: 'UTF-16BE' },
      ];
    }),
  );
}

/** A key is looked for by its halves too: half of its bytes is half of its strength. owner is the key in hex. */
export function keyNeedles(keys) {
  return keys.flatMap((key) =>
    [key.subarray(0, 16), key.subarray(16)].map((bytes) => ({
      bytes: Buffer.from(bytes),
      owner: Buffer.from(key).toString('hex'),
      how: 'key',
    })),
  );
}

const BLOCK = 3;

export class Needles {
  #window;
  #shift;
  /** Needles by their first bytes, as many as the shortest has. */
  #beginnings = new Map();

  constructor(needles) {
    this.#window = Math.min(...needles.map(({ bytes }) => bytes.length));
    if (needles.length > 0 && this.#window < 8) {
      throw new Error(`a needle of ${this.#window} bytes is found by chance`);
    }
    // How far one may go on from each three bytes before the next needle could end.
    this.#shift = new Uint8Array(1 << 24).fill(Math.min(this.#window - BLOCK + 1, 255));
    for (const needle of needles) {
      for (let end = BLOCK; end <= this.#window; end++) {
        const block = blockAt(needle.bytes, end - BLOCK);
        this.#shift[block] = Math.min(this.#shift[block], this.#window - end);
      }
      const beginning = needle.bytes.latin1Slice(0, this.#window);
      const alike = this.#beginnings.get(beginning);
      alike ? alike.push(needle) : this.#beginnings.set(beginning, [needle]);
    }
  }

  /** Calls found(needle) for each occurrence. */
  search(bytes, found) {
    if (this.#beginnings.size === 0) {
      return;
    }
    const shift = this.#shift;
    const window = this.#window;
    for (let at = window - BLOCK; at + BLOCK <= bytes.length; ) {
      const block = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
      const step = shift[block];
      if (step > 0) {
        at += step;
        continue;
      }
      const start = at - window + BLOCK;
      for (const needle of this.#beginnings.get(bytes.latin1Slice(start, start + window)) ?? []) {
        const end = start + needle.bytes.length;
        if (end <= bytes.length && bytes.compare(needle.bytes, 0, needle.bytes.length, start, end) === 0) {
          found(needle);
        }
      }
      at++;
    }
  }
}

function blockAt(bytes, at) {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
}
