// Snappy as LevelDB's tables and Chromium's IndexedDB values have it: raw, without the framing of files.

/** No block or value is longer: what says so is no snappy. */
const LONGEST = 256 << 20;

/** Unpacks what starts at a place; undefined where that is no snappy. What stands behind its end is not looked at. */
export function unsnap(bytes, at = 0) {
  const length = varint(bytes, at);
  // A tag of at most 3 bytes gives at most 64: a claim that the bytes cannot keep is not given memory.
  if (!length || length.value > LONGEST || length.value > (bytes.length - length.end) * 64) {
    return undefined;
  }
  const out = Buffer.allocUnsafe(length.value);
  const end = unpack(bytes, length.end, out);
  return end === undefined ? undefined : out;
}

/** Fills out; the place behind the last tag, undefined if the tags are not in order. */
function unpack(bytes, start, out) {
  let from = start;
  let to = 0;
  while (to < out.length) {
    if (from >= bytes.length) {
      return undefined;
    }
    const tag = bytes[from++];
    const kind = tag & 3;
    if (kind === 0) {
      const extra = Math.max((tag >> 2) - 59, 0);
      if (from + extra > bytes.length) {
        return undefined;
      }
      const length = 1 + (extra ? bytes.readUIntLE(from, extra) : tag >> 2);
      from += extra;
      if (from + length > bytes.length || to + length > out.length) {
        return undefined;
      }
      bytes.copy(out, to, from, from + length);
      from += length;
      to += length;
      continue;
    }
    const width = [0, 1, 2, 4][kind];
    if (from + width > bytes.length) {
      return undefined;
    }
    const length = kind === 1 ? 4 + ((tag >> 2) & 7) : 1 + (tag >> 2);
    const offset = bytes.readUIntLE(from, width) + (kind === 1 ? (tag >> 5) << 8 : 0);
    from += width;
    if (offset === 0 || offset > to || to + length > out.length) {
      return undefined;
    }
    // Byte by byte: a copy may reach into what it is making.
    for (let i = 0; i < length; i++, to++) {
      out[to] = out[to - offset];
    }
  }
  return from;
}

/** A number of 7 bits a byte, the lowest first: {value, end}, undefined if there is none. */
export function varint(bytes, at) {
  let value = 0;
  for (let i = 0; i < 8 && at + i < bytes.length; i++) {
    const byte = bytes[at + i];
    value += (byte & 127) * 2 ** (7 * i);
    if (byte < 128) {
      return { value, end: at + i + 1 };
    }
  }
  return undefined;
}
