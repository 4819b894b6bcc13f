// Tables and logs that are made here, as LevelDB's description of them says, and a log that Chromium wrote.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { kinds, readLog } from './log.mjs';
import { unsnap } from './snappy.mjs';
import { readTable } from './table.mjs';

function number(value) {
  const bytes = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) {
      return Buffer.from([...bytes, rest]);
    }
    bytes.push((rest % 128) | 128);
  }
}

/** A block of [shared, own part of the key, value]. */
function block(entries) {
  const parts = entries.map(([shared, own, value]) =>
    Buffer.concat([number(shared), number(own.length), number(value.length), Buffer.from(own), Buffer.from(value)]),
  );
  return Buffer.concat([...parts, Buffer.from([0, 0, 0, 0, 1, 0, 0, 0])]); // one restart, at 0
}

/** Snappy that says everything as it is. */
function literal(bytes) {
  return Buffer.concat([
    number(bytes.length),
    Buffer.from([61 << 2, (bytes.length - 1) & 255, (bytes.length - 1) >> 8]),
    bytes,
  ]);
}

function table(blocks) {
  const parts = [];
  let at = 0;
  const add = (bytes, type) => {
    const handle = Buffer.concat([number(at), number(bytes.length)]);
    parts.push(bytes, Buffer.from([type, 0, 0, 0, 0]));
    at += bytes.length + 5;
    return handle;
  };
  const handles = blocks.map(([bytes, type]) => add(bytes, type));
  const meta = add(block([]), 0);
  const index = add(block(handles.map((handle, i) => [0, `key ${i}`, handle])), 0);
  const footer = Buffer.alloc(48);
  Buffer.concat([meta, index]).copy(footer);
  footer.writeBigUInt64LE(0xdb4775248b80fb57n, 40);
  return Buffer.concat([...parts, footer]);
}

const text = (blocks) => Buffer.concat(blocks).toString('latin1');

test('a table: plain and packed blocks, keys whole again', () => {
  const first = block([
    [0, 'conversation one', 'a'],
    [13, 'two', 'b'],
  ]);
  const second = block([[0, 'zebra', 'striped']]);
  const read = readTable(
    table([
      [first, 0],
      [literal(second), 1],
    ]),
  );
  assert.equal(read.broken, 0);
  assert.equal(read.packed, 1);
  assert.match(text(read.blocks), /conversation oneaconversation twob/);
  assert.match(text(read.blocks), /zebrastriped/);
  assert.match(text(read.blocks), /key 0key 1/);
});

test('what cannot be read of a table is told', () => {
  const whole = table([[block([[0, 'k', 'v']]), 0]]);
  assert.equal(readTable(whole.subarray(0, -1)).broken, 1);
  assert.equal(readTable(Buffer.alloc(0)).broken, 1);
  assert.equal(readTable(table([[Buffer.from('nonsense'), 1]])).broken, 1);
  assert.equal(readTable(table([[Buffer.from('a kind of packing that is not known'), 9]])).broken, 1);
});

function fragment(type, bytes) {
  const head = Buffer.alloc(7);
  head.writeUInt16LE(bytes.length, 4);
  head[6] = type;
  return Buffer.concat([head, bytes]);
}

test('a log: records that are cut by its blocks', () => {
  const long = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i % 251));
  const size = 32_768 - 7;
  const first = fragment(kinds.FULL, Buffer.from('short'));
  const room = size - first.length;
  const log = Buffer.concat([
    first,
    fragment(kinds.FIRST, long.subarray(0, room)),
    fragment(kinds.MIDDLE, long.subarray(room, room + size)),
    fragment(kinds.LAST, long.subarray(room + size)),
    fragment(kinds.FULL, Buffer.from('after')),
    fragment(kinds.FIRST, Buffer.from('cut off')),
    Buffer.alloc(100), // as files are that are made long before they are filled
  ]);
  const records = readLog(log);
  assert.deepEqual(
    records.map(({ length }) => length),
    [5, 70_000, 5, 7],
  );
  assert.ok(records[1].equals(long));
  assert.equal(text(records.slice(2)), 'aftercut off');
});

test('a log of Chromium’s: texts in one byte and in two, keys, and a packed value', () => {
  const records = Buffer.concat(readLog(readFileSync(new URL('testdata/chromium.log', import.meta.url))));
  const count = (needle) => records.toString('latin1').split(needle.toString('latin1')).length - 1;
  const wide = Buffer.from('MARKMARKMARKMARKMARKMA', 'utf16le');
  assert.equal(count(Buffer.from('MARKMARKMARKMARKMARKMA')), 4);
  assert.equal(count(wide), 2);
  assert.equal(count(Buffer.from('KEYKEYKEYKEYKEYKEYKEYKE', 'utf16le').swap16()), 12);
  const packed = Buffer.from('PACKEDPACKEDPACKEDPACKED');
  assert.equal(count(packed), 0);
  const value = unsnap(records, records.indexOf(Buffer.from([0xff, 0x11, 0x02])) + 3);
  assert.ok(value.includes(packed));
  assert.equal(value.length, 72_075);
});
