// LevelDB's logs (.log, MANIFEST): blocks of 32 KiB, in which a record may be cut into fragments. Here it is whole again.

const BLOCK = 32 << 10;
const HEADER = 7; // a checksum of 4 bytes, a length of 2, a type

const FULL = 1;
const FIRST = 2;
const MIDDLE = 3;
const LAST = 4;

/** The records of a log. What is cut off at its end counts as a record: it can be read there. */
export function readLog(bytes) {
  const records = [];
  let parts = [];
  const done = () => {
    if (parts.length > 0) {
      records.push(Buffer.concat(parts));
    }
    parts = [];
  };
  for (let start = 0; start < bytes.length; start += BLOCK) {
    const block = bytes.subarray(start, start + BLOCK);
    for (let at = 0; at + HEADER <= block.length; ) {
      const length = block.readUInt16LE(at + 4);
      const type = block[at + 6];
      if (type < FULL || type > LAST || (type === FULL && length === 0)) {
        break; // padding: the rest of the block is empty
      }
      if (type === FULL || type === FIRST) {
        done();
      }
      parts.push(block.subarray(at + HEADER, at + HEADER + length));
      if (type === FULL || type === LAST) {
        done();
      }
      at += HEADER + length;
    }
  }
  done();
  return records;
}

export const kinds = { FULL, FIRST, MIDDLE, LAST };
