import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unsnap, varint } from './snappy.mjs';

const unpacked = (...bytes) =>
  unsnap(Buffer.from(bytes.flatMap((b) => (typeof b === 'string' ? [...Buffer.from(b)] : b))))?.toString();

test('literals and copies', () => {
  assert.equal(unpacked(5, 4 << 2, 'Lethe'), 'Lethe');
  assert.equal(
    unpacked(10, 4 << 2, 'Lethe', (1 << 2) | 1, 5, 0),
    'LetheLethe',
    'a copy of 5 with an offset of 11 bits',
  );
  assert.equal(unpacked(10, 4 << 2, 'Lethe', (4 << 2) | 2, 5, 0), 'LetheLethe', 'of 16');
  assert.equal(unpacked(10, 4 << 2, 'Lethe', (4 << 2) | 3, 5, 0, 0, 0), 'LetheLethe', 'of 32');
  assert.equal(unpacked(7, 0, 'a', (5 << 2) | 2, 1, 0), 'aaaaaaa', 'a copy that reaches into itself');
});

test('long literals', () => {
  const text = 'x'.repeat(70_000);
  const length = [0xf0, 0xa2, 0x04]; // 70 000
  assert.equal(unpacked(...length, 62 << 2, 0x6f, 0x11, 0x01, text), text, 'a length of 3 bytes');
  assert.equal(unpacked(100, 60 << 2, 99, text.slice(0, 100)), text.slice(0, 100), 'of 1');
});

test('what follows the end is not looked at', () => {
  assert.equal(unsnap(Buffer.from([0xff, 5, 4 << 2, ...Buffer.from('Lethe'), 1, 2, 3]), 1).toString(), 'Lethe');
});

test('what is no snappy', () => {
  for (const bytes of [
    [],
    [5],
    [5, 4 << 2, 76],
    [5, (1 << 2) | 1, 5],
    [5, 0, 97, (3 << 2) | 2, 2, 0],
    [5, 0, 97, (3 << 2) | 2, 0, 0],
    [2, 4 << 2, 76, 101, 116, 104, 101],
    [200, 255, 255, 255, 15, 0, 97],
    [255, 255, 255, 255, 255, 255, 255, 255, 255],
  ]) {
    assert.equal(unsnap(Buffer.from(bytes)), undefined, String(bytes));
  }
});

test('numbers', () => {
  assert.deepEqual(varint(Buffer.from([0x96, 0x01]), 0), { value: 150, end: 2 });
  assert.deepEqual(varint(Buffer.from([0, 0x80, 0x80, 0x80, 0x80, 0x10]), 1), { value: 2 ** 32, end: 6 });
  assert.equal(varint(Buffer.from([0x80]), 0), undefined);
});
