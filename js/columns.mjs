// Go's table of functions has a record of some twenty numbers for each: where it begins, where its name stands, and so on.
// Numbers of one kind lie far apart there, and the first two rise from record to record. Brotli packs them better, by 30 kB,
// as columns, and what rises as differences. A start function, which every engine runs before anything else of the module,
// writes the records back; the memory is then the same, byte for byte.
//
// Before the records stands a pair of numbers for each function (runtime.functab): where it begins, and where its record
// does, counted from the first pair.
import {
  assemble,
  CODE,
  contents,
  DATA,
  dataSection,
  FUNCTION,
  IMPORT,
  MEMORY,
  number,
  START,
  sections,
  segments,
  signed,
  TYPE,
  unsigned,
} from './wasm.mjs';

/** The header before the tables (runtime.pcHeader): its number since Go 1.20, instructions of 1 byte, pointers of 8. */
const magic = Buffer.of(0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8);
const page = 1 << 16;
/** How many columns rise. */
const rising = 2;

/** Returns the wasm with the records in columns. It knows only what Go's linker writes, and throws at anything else. */
export function foldColumns(wasm) {
  const parts = sections(wasm);
  const data = segments(contents(parts, DATA));
  const holder = data.find(({ bytes }) => bytes.includes(magic));
  const [count] = number(contents(parts, FUNCTION), 0);
  const bytes = Buffer.from(holder?.bytes ?? []);
  const table = findTable(bytes);
  if (table.count !== count) {
    throw new Error('the wasm has no table of as many functions as it has');
  }
  fold(bytes, table);

  const room = number(contents(parts, MEMORY), 2)[0] * page - table.size;
  if (data.some(({ address, bytes: { length } }) => address + length > room)) {
    throw new Error('the memory has no room to write the records back from');
  }
  const code = unfold(holder.address + table.at, table, room);
  const type = plainType(contents(parts, TYPE));
  const changed = new Map([
    [FUNCTION, append(contents(parts, FUNCTION), unsigned(type))],
    [CODE, append(contents(parts, CODE), Buffer.concat([unsigned(code.length), code]))],
    [DATA, dataSection(data.map((segment) => (segment === holder ? { ...segment, bytes } : segment)))],
  ]);
  const start = [START, unsigned(number(contents(parts, IMPORT), 0)[0] + count)];
  const after = parts.findIndex(([id]) => id > START);
  if (parts.some(([id]) => id === START)) {
    throw new Error('the wasm has a start function');
  }
  parts.splice(after, 0, start);
  return assemble(parts.map(([id, was]) => [id, changed.get(id) ?? was]));
}

/** Where the pairs are, how many, and the bytes of all records but the last, whose end nothing tells. */
function findTable(bytes) {
  const header = bytes.indexOf(magic);
  if (header < 0 || bytes.indexOf(magic, header + 1) >= 0) {
    throw new Error('the wasm has no table of functions, or many');
  }
  const count = Number(bytes.readBigUInt64LE(header + 8));
  const at = header + Number(bytes.readBigUInt64LE(header + 64));
  const first = record(bytes, at, 0);
  for (let i = 1, before = first; i < count; i++) {
    const next = record(bytes, at, i);
    if (next <= before || next % 4 !== 0) {
      throw new Error('the records do not follow each other');
    }
    before = next;
  }
  return { at, count, first, size: record(bytes, at, count - 1) - first };
}

function record(bytes, at, i) {
  return bytes.readUInt32LE(at + 8 * i + 4);
}

function fold(bytes, { at, count, first, size }) {
  const columns = Buffer.alloc(size);
  for (let column = 0, into = 0; into < size; column++) {
    let before = 0;
    for (let i = 0; i < count - 1; i++) {
      const word = record(bytes, at, i) + 4 * column;
      if (word < record(bytes, at, i + 1)) {
        const value = bytes.readInt32LE(at + word);
        into = columns.writeInt32LE(column < rising ? (value - before) | 0 : value, into);
        before = value;
      }
    }
  }
  columns.copy(bytes, at + first);
  for (let i = at + 8 * (count - 1); i > at; i -= 8) {
    for (const half of [i, i + 4]) {
      bytes.writeUInt32LE(bytes.readUInt32LE(half) - bytes.readUInt32LE(half - 8), half);
    }
  }
}

/** The body of the start function: fold's steps backwards, with a copy of the columns at room, where zeros are left. */
function unfold(tab, { count, first, size }, room) {
  const [pair, column, from, word, value] = [0, 1, 2, 3, 4].map((index) => ({
    get: [0x20, index],
    set: (expression) => [...expression, 0x21, index],
  }));
  const last = constant(tab + 8 * (count - 1));
  const next = (variable, by) => variable.set(add(variable.get, constant(by)));
  return Buffer.from([
    ...[1, 5, 0x7f], // five variables, all i32
    ...pair.set(constant(tab)),
    ...repeat(
      [
        ...store(pair.get, 8, add(load(pair.get, 8), load(pair.get, 0))),
        ...store(pair.get, 12, add(load(pair.get, 12), load(pair.get, 4))),
        ...next(pair, 8),
      ],
      less(pair.get, last),
    ),
    ...copy(constant(room), constant(tab + first), constant(size)),
    ...from.set(constant(room)),
    ...repeat(
      [
        ...pair.set(constant(tab)),
        ...value.set(constant(0)),
        ...repeat(
          [
            ...word.set(add(load(pair.get, 4), column.get)),
            ...when(less(word.get, load(pair.get, 12)), [
              ...value.set(
                add(load(from.get, 0), either(value.get, constant(0), less(column.get, constant(4 * rising)))),
              ),
              ...store(add(word.get, constant(tab)), 0, value.get),
              ...next(from, 4),
            ]),
            ...next(pair, 8),
          ],
          less(pair.get, last),
        ),
        ...next(column, 4),
      ],
      less(from.get, constant(room + size)),
    ),
    ...fill(constant(room), constant(0), constant(size)),
    0x0b,
  ]);
}

// Instructions, each after what it takes.
const constant = (value) => [0x41, ...signed(value)];
const add = (a, b) => [...a, ...b, 0x6a];
const less = (a, b) => [...a, ...b, 0x49];
const either = (a, b, condition) => [...a, ...b, ...condition, 0x1b];
const load = (address, offset) => [...address, 0x28, 2, offset];
const store = (address, offset, value) => [...address, ...value, 0x36, 2, offset];
const copy = (to, from, length) => [...to, ...from, ...length, 0xfc, 10, 0, 0];
const fill = (at, byte, length) => [...at, ...byte, ...length, 0xfc, 11, 0];
const when = (condition, body) => [...condition, 0x04, 0x40, ...body, 0x0b];
const repeat = (body, condition) => [0x03, 0x40, ...body, ...condition, 0x0d, 0, 0x0b];

/** The index of the type of a function that takes and gives nothing. */
function plainType(types) {
  let [count, at] = number(types, 0);
  for (let index = 0; index < count; index++) {
    const [parameters, after] = number(types, at + 1);
    const [results, end] = number(types, after + parameters);
    if (parameters === 0 && results === 0) {
      return index;
    }
    at = end + results;
  }
  throw new Error('no function of the wasm takes and gives nothing');
}

/** A section's contents with one more entry. */
function append(section, entry) {
  const [count, at] = number(section, 0);
  return Buffer.concat([unsigned(count + 1), section.subarray(at), entry]);
}
