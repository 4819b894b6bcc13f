import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder } from '../../e2e/endings.mjs';
import { keyNeedles, markNeedles, Needles } from './needles.mjs';
import { newMark } from './planted.mjs';
import { search } from './search.mjs';

test('needles: every one that is there, whole, cut, and in UTF-16', () => {
  const marks = Array.from({ length: 3000 }, newMark);
  const keys = Array.from({ length: 300 }, () => randomBytes(32));
  const needles = new Needles([...markNeedles(marks), ...keyNeedles(keys)]);
  const said = (mark) => [
    Buffer.from(mark),
    Buffer.from(mark.slice(0, 13)),
    Buffer.from(mark.slice(11)),
    Buffer.from(mark, 'utf16le'),
    Buffer.from(mark, 'utf16le').swap16(),
  ];
  const expected = new Set();
  const parts = [];
  for (const [i, mark] of marks.entries()) {
    const part = said(mark)[i % 7];
    if (part) {
      expected.add(mark);
      parts.push(part, randomBytes(i % 50));
    }
  }
  for (const [i, key] of keys.entries()) {
    if (i % 2) {
      expected.add(key.toString('hex'));
      parts.push(i % 4 === 1 ? key : key.subarray(16), randomBytes(3));
    }
  }
  const found = new Set();
  needles.search(Buffer.concat(parts), ({ owner }) => found.add(owner));
  assert.deepEqual(found, expected);
});

test('needles: at the very beginning and end, in nothing, and none at all', () => {
  const mark = newMark();
  const found = [];
  const look = (bytes, needles = new Needles(markNeedles([mark]))) =>
    needles.search(bytes, ({ how }) => found.push(how));
  look(Buffer.from(mark));
  assert.deepEqual(found, ['text', 'text']);
  look(Buffer.alloc(0));
  look(Buffer.from(mark.slice(0, 11)));
  look(Buffer.from(mark), new Needles([]));
  assert.equal(found.length, 2);
});

test('a folder: plain files, logs and packed values', (t) => {
  const path = folder(t, 'search');
  const marks = Array.from({ length: 4 }, newMark);
  const [plain, cut, packed, absent] = marks;
  mkdirSync(join(path, 'Default/IndexedDB/x.indexeddb.leveldb'), { recursive: true });
  writeFileSync(join(path, 'Default/Preferences'), `{"a":"${plain}"}`);
  const head = (type, length) => Buffer.from([0, 0, 0, 0, length, 0, type]);
  writeFileSync(
    join(path, 'Default/IndexedDB/x.indexeddb.leveldb/000003.log'),
    // Cut into thirds, so that no half is whole in the file.
    Buffer.concat([
      Buffer.concat([head(2, 8), Buffer.from(cut.slice(0, 8))]),
      Buffer.concat([head(3, 8), Buffer.from(cut.slice(8, 16))]),
      Buffer.concat([head(4, 8), Buffer.from(cut.slice(16))]),
    ]),
  );
  // Two literals with a copy between: neither half is whole in the file.
  const value = Buffer.from(`${packed.slice(8, 16)}${packed}`);
  writeFileSync(
    join(path, 'Default/value'),
    Buffer.concat([
      Buffer.from([0xff, 0x11, 0x02, value.length, 15 << 2]),
      value.subarray(0, 16),
      Buffer.from([(7 << 2) | 2, 16, 0, 7 << 2]),
      value.subarray(24),
    ]),
  );
  const { found, files, wrapped } = search(path, new Needles(markNeedles(marks)));
  assert.equal(files, 3);
  assert.equal(wrapped, 1);
  assert.deepEqual([...found.get(plain)], ['Preferences: text']);
  assert.deepEqual([...found.get(cut)], ['IndexedDB/*.log: text in a record']);
  assert.deepEqual([...found.get(packed)], ['value: text in a packed value']);
  assert.equal(found.has(absent), false);
});
