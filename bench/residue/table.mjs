// LevelDB's tables (.ldb): blocks of sorted entries, each block on its own packed by snappy or not. In the file a text may be
// cut by a back reference, and a key lacks what it shares with the one before; here both are whole again.
import { unsnap, varint } from './snappy.mjs';

const FOOTER = 48;
const MAGIC = 0xdb4775248b80fb57n;
const PLAIN = 0;
const SNAPPY = 1;

/**
 * The content of a table, block by block: every key and value whole, one behind the other. broken counts blocks that cannot
 * be read, or is 1 if the file as a whole is no table (one that is being written has no footer yet).
 */
export function readTable(bytes) {
  if (bytes.length < FOOTER || bytes.readBigUInt64LE(bytes.length - 8) !== MAGIC) {
    return { blocks: [], packed: 0, broken: 1 };
  }
  const result = { blocks: [], packed: 0, broken: 0 };
  const footer = bytes.subarray(bytes.length - FOOTER);
  const meta = handle(footer, 0);
  const index = meta && handle(footer, meta.end);
  for (const directory of [meta, index]) {
    const entries = directory && entriesOf(block(bytes, directory)?.content);
    if (!entries) {
      result.broken++;
      continue;
    }
    // A directory's keys are parts of keys, and they are texts too.
    result.blocks.push(Buffer.concat(entries.map(({ key }) => key)));
    for (const { value } of entries) {
      const found = block(bytes, handle(value, 0));
      if (!found) {
        result.broken++;
        continue;
      }
      result.packed += found.packed;
      // The filter's block has no entries; it is taken as it is.
      const inside = entriesOf(found.content);
      result.blocks.push(inside ? Buffer.concat(inside.flatMap(({ key, value }) => [key, value])) : found.content);
    }
  }
  return result;
}

/** A block's place: {offset, size, end of this handle}. */
function handle(bytes, at) {
  const offset = varint(bytes, at);
  const size = offset && varint(bytes, offset.end);
  return size && { offset: offset.value, size: size.value, end: size.end };
}

function block(bytes, place) {
  // Behind the block are its type and a checksum of 4 bytes.
  if (!place || place.offset + place.size + 5 > bytes.length) {
    return undefined;
  }
  const raw = bytes.subarray(place.offset, place.offset + place.size);
  const type = bytes[place.offset + place.size];
  const content = type === SNAPPY ? unsnap(raw) : type === PLAIN ? raw : undefined;
  return content && { content, packed: type === SNAPPY ? 1 : 0 };
}

/** The entries of a block: {key, value}; undefined if it is not made of entries. */
function entriesOf(content) {
  if (!content || content.length < 4) {
    return undefined;
  }
  const end = content.length - 4 - 4 * content.readUInt32LE(content.length - 4);
  if (end < 0) {
    return undefined;
  }
  const entries = [];
  let key = Buffer.alloc(0);
  for (let at = 0; at < end; ) {
    const shared = varint(content, at);
    const own = shared && varint(content, shared.end);
    const size = own && varint(content, own.end);
    if (!size || shared.value > key.length || size.end + own.value + size.value > end) {
      return undefined;
    }
    const middle = size.end + own.value;
    key = Buffer.concat([key.subarray(0, shared.value), content.subarray(size.end, middle)]);
    at = middle + size.value;
    entries.push({ key, value: content.subarray(middle, at) });
  }
  return entries;
}
