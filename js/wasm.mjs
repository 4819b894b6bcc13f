// What the build reads and writes of WebAssembly's format.

/** The ids of sections. Go writes each of them once, but those of id 0, which have names. */
export const TYPE = 1;
export const IMPORT = 2;
export const FUNCTION = 3;
export const MEMORY = 5;
export const START = 8;
export const CODE = 10;
export const DATA = 11;
export const DATA_COUNT = 12;

/** The contents of a module's sections as [id, bytes], in their order. */
export function sections(wasm) {
  const found = [];
  for (let at = 8; at < wasm.length; ) {
    const [length, body] = number(wasm, at + 1);
    found.push([wasm[at], wasm.subarray(body, body + length)]);
    at = body + length;
  }
  return found;
}

export function contents(parts, id) {
  const found = parts.filter((part) => part[0] === id);
  if (found.length !== 1) {
    throw new Error(`the wasm has ${found.length} sections ${id}`);
  }
  return found[0][1];
}

/** The module of these sections. */
export function assemble(parts) {
  const header = Buffer.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  return Buffer.concat([header, ...parts.flatMap(([id, bytes]) => [Buffer.of(id), unsigned(bytes.length), bytes])]);
}

/** The data section's segments, by address. */
export function segments(data) {
  let [count, at] = number(data, 0);
  const found = [];
  for (; count > 0; count--) {
    // Of memory 0, at an i32.const, end.
    if (data[at] !== 0 || data[at + 1] !== 0x41) {
      throw new Error('a data segment is not active');
    }
    const [address, after] = number(data, at + 2);
    const [length, start] = number(data, after + 1);
    if (data[after] !== 0x0b || data[after - 1] & 0x40) {
      throw new Error('the address of a data segment is not a plain number');
    }
    at = start + length;
    found.push({ address, bytes: data.subarray(start, at) });
  }
  return found.sort((a, b) => a.address - b.address);
}

export function dataSection(found) {
  return Buffer.concat([
    unsigned(found.length),
    ...found.flatMap(({ address, bytes }) => [
      Buffer.of(0, 0x41),
      signed(address),
      Buffer.of(0x0b),
      unsigned(bytes.length),
      bytes,
    ]),
  ]);
}

/** Reads a LEB128 number without sign: the number, and where it ends. */
export function number(wasm, at) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = wasm[at++];
    value += (byte & 0x7f) * 2 ** shift;
    if (!(byte & 0x80)) {
      return [value, at];
    }
  }
}

export function unsigned(value) {
  const bytes = [];
  for (; value > 0x7f; value >>>= 7) {
    bytes.push((value & 0x7f) | 0x80);
  }
  return Buffer.of(...bytes, value);
}

/** A positive number with sign: the last byte must not look negative. */
export function signed(value) {
  const bytes = [];
  for (; value > 0x3f; value >>>= 7) {
    bytes.push((value & 0x7f) | 0x80);
  }
  return Buffer.of(...bytes, value);
}
