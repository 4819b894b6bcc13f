import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { joinSegments } from './segments.mjs';

/** A module with a memory of two pages, exported as m, and the data section given. */
const wasm = (...data) =>
  Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 3, 1, 0, 2, 7, 5, 1, 1, 0x6d, 2, 0, 11, data.length, ...data]);

/** Segments at 0x20, at 8 and, beyond any gap, at 0x10000. */
const scattered = wasm(
  ...[3, 0, 0x41, 0x20, 0x0b, 2, 1, 2, 0, 0x41, 8, 0x0b, 1, 3],
  ...[0, 0x41, 0x80, 0x80, 4, 0x0b, 1, 4],
);

async function memory(bytes) {
  const { instance } = await WebAssembly.instantiate(bytes);
  return new Uint8Array(instance.exports.m.buffer);
}

test('joined segments make the same memory', async () => {
  const joined = joinSegments(scattered);
  assert.equal(joined[22], 2, 'segments');
  assert.deepEqual(await memory(joined), await memory(scattered));
  assert.deepEqual(joinSegments(joined), joined, 'joining again changes nothing');
});

test('segments that Go does not write are refused', () => {
  assert.throws(() => joinSegments(wasm(1, 1, 1, 7)), /not active/);
  assert.throws(() => joinSegments(wasm(1, 0, 0x41, 0x7f, 0x0b, 1, 7)), /plain number/);
  assert.throws(() => joinSegments(wasm(2, 0, 0x41, 0, 0x0b, 2, 7, 7, 0, 0x41, 1, 0x0b, 1, 7)), /overlap/);
});

test('the built wasm holds what the linker wrote', { skip: !existsSync('.cache/lethe.wasm') }, () => {
  const linked = readFileSync('.cache/lethe.wasm');
  assert.deepEqual(readFileSync('dist/lethe.wasm'), joinSegments(linked));
  assert(WebAssembly.validate(readFileSync('dist/lethe.wasm')));
});
