// Searches every file below a folder: its bytes as they are, and what is packed inside them.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { readLog } from './log.mjs';
import { unsnap } from './snappy.mjs';
import { readTable } from './table.mjs';

/** What Chromium puts before an IndexedDB value, in the database or in a blob's file, that it has packed with snappy. */
const WRAPPED = Buffer.from([0xff, 0x11, 0x02]);

/** How often a folder that changes meanwhile is listed again. */
const PATIENCE = 20;

/**
 * Looks for needles in all files below a folder. While a browser writes, files come and go: it is looked again until the
 * folder stands still, so that nothing slips from one file into another unseen.
 *   found: owner → Set of places, "which kind of file: how"
 *   files, bytes: how much was read; tables, packed: tables and snappy blocks in them; wrapped: packed values
 *   broken: tables or blocks that could not be read
 */
export function search(folder, needles) {
  const result = { found: new Map(), files: 0, bytes: 0, tables: 0, packed: 0, wrapped: 0, broken: [] };
  const seen = new Map();
  for (let round = 0; ; round++) {
    const fresh = list(folder).filter(({ path, state }) => seen.get(path) !== state);
    if (fresh.length === 0) {
      return result;
    }
    if (round === PATIENCE) {
      throw new Error(`${folder} does not stand still: ${fresh.map(({ path }) => relative(folder, path)).join(', ')}`);
    }
    for (const { path, state } of fresh) {
      seen.set(path, state);
      const bytes = read(path);
      if (bytes) {
        searchFile(relative(folder, path), bytes, needles, result);
      }
    }
  }
}

function searchFile(path, bytes, needles, result) {
  result.files++;
  result.bytes += bytes.length;
  const name = basename(path);
  const look = (view, way) => {
    needles.search(view, ({ owner, how }) => {
      const places = result.found.get(owner) ?? new Set();
      result.found.set(owner, places.add(`${kindOf(path)}: ${how}${way}`));
    });
    for (let at = view.indexOf(WRAPPED); at >= 0; at = view.indexOf(WRAPPED, at + 1)) {
      const value = unsnap(view, at + WRAPPED.length);
      if (value) {
        result.wrapped++;
        needles.search(value, ({ owner, how }) => {
          const places = result.found.get(owner) ?? new Set();
          result.found.set(owner, places.add(`${kindOf(path)}: ${how} in a packed value`));
        });
      }
    }
  };
  look(bytes, '');
  if (/\.(ldb|sst)$/.test(name)) {
    const { blocks, packed, broken } = readTable(bytes);
    result.tables++;
    result.packed += packed;
    if (broken > 0) {
      result.broken.push(path);
    }
    for (const block of blocks) {
      look(block, ' in a block');
    }
  } else if (/\.log$|^MANIFEST-/.test(name)) {
    for (const record of readLog(bytes)) {
      look(record, ' in a record');
    }
  }
}

/** A name for what a file is, without the numbers in its path. */
function kindOf(path) {
  const parts = path.split('/').filter((part) => part !== 'Default');
  const area = parts.length > 1 ? parts[0] : '';
  const name = parts
    .at(-1)
    .replace(/^\d+\./, '*.')
    .replace(/^(MANIFEST)-\d+$/, '$1');
  return [area, /\.indexeddb\.blob\//.test(path) ? 'blob' : name.replace(/^\d+$/, '*')].filter(Boolean).join('/');
}

/** Files below a folder, each with what changes when it is written. */
function list(folder) {
  const files = [];
  for (const path of walk(folder)) {
    try {
      const { size, mtimeMs, ino } = statSync(path);
      files.push({ path, state: `${ino} ${size} ${mtimeMs}` });
    } catch (gone) {
      ignoreGone(gone);
    }
  }
  return files;
}

function walk(folder) {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? walk(path) : entry.isFile() ? [path] : [];
    });
  } catch (gone) {
    return ignoreGone(gone);
  }
}

function read(path) {
  try {
    return readFileSync(path);
  } catch (gone) {
    ignoreGone(gone);
    return undefined;
  }
}

function ignoreGone(failure) {
  if (failure.code !== 'ENOENT') {
    throw failure;
  }
  return [];
}
