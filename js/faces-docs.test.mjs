// docs/faces.md against the faces: the calls that it lists are those that there are, and its numbers can occur.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { lethe } from './fake-core.mjs';

const { EngineError, ErrorCode, imEngine, tencentCloudChat } = lethe;

const [, tencent, rongcloud] = readFileSync('docs/faces.md', 'utf8').split(/^## /m);

/** The names before a parenthesis in the first column of a section's first table. */
function calls(section) {
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return rows.flatMap((row) => [...row.split(' | ')[0].matchAll(/`(\w+)\(/g)].map(([, name]) => name));
}

function numbers(section) {
  const rows = section.split('\n').filter((line) => /^\| \d/.test(line));
  return rows.flatMap((row) => row.split('|')[1].match(/\d+/g).map(Number));
}

/** The public methods of an object's class and of those above it. */
function methods(object) {
  const names = [];
  for (let p = Object.getPrototypeOf(object); p !== Object.prototype; p = Object.getPrototypeOf(p)) {
    names.push(...Object.getOwnPropertyNames(p));
  }
  return new Set(names.filter((name) => name !== 'constructor'));
}

test('the Tencent face', () => {
  const chat = tencentCloudChat(() => new Promise(() => {})).create({ url: 'http://there' });
  assert.deepEqual(new Set(calls(tencent)), methods(chat));
  const own = Object.values(ErrorCode);
  const further = [2024, 2110, 2111, 2116, 3122, 10030, 70002];
  assert.deepEqual(
    numbers(tencent).filter((code) => !own.includes(code)),
    further,
  );
});

test('the RongCloud face', () => {
  const listed = new Set(calls(rongcloud));
  const there = [...methods(imEngine(() => {}).getInstance())].filter(
    (name) => !/^remove\w+Listener$|^listenTo$/.test(name),
  );
  assert.deepEqual([...listed].sort(), there.sort());
  const known = Object.values(EngineError).filter((code) => code > 0);
  assert.deepEqual(
    numbers(rongcloud).filter((code) => !known.includes(code)),
    [],
  );
});
