// The built package, as npm and a bundler see it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const info = JSON.parse(readFileSync('dist/build-info.json', 'utf8'));

test('the package holds what its exports name, and nothing of the demo', () => {
  const [{ files }] = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json'], { encoding: 'utf8', stdio: 'pipe' }),
  );
  const paths = files.map(({ path }) => `./${path}`);
  const named = Object.values(manifest.exports).flatMap((target) =>
    typeof target === 'string' ? target : Object.values(target),
  );
  assert.deepEqual(
    named.filter((target) => !paths.includes(target)),
    [],
  );
  assert.deepEqual(
    paths.filter((path) => /demo|\.test\.|node_modules/.test(path)),
    [],
  );
});

test('its types need nothing but themselves', () => {
  const options = [
    '--noEmit',
    '--strict',
    '--target',
    'es2022',
    '--module',
    'nodenext',
    '--types',
    '',
    '--ignoreConfig',
  ];
  const types = ['index', 'script', 'tencent/index', 'rongcloud/index'].map((name) => `dist/${name}.d.ts`);
  execFileSync('npx', ['tsc', ...options, ...types], { stdio: 'pipe' });
});

test('importing it touches no browser', async () => {
  const Lethe = await import(new URL('../dist/index.mjs', import.meta.url).href);
  assert.equal(typeof Lethe.create, 'function');
  assert.equal(Lethe.EVENT.MESSAGE_RECEIVED, 'MESSAGE_RECEIVED');
  assert.equal(Lethe.ErrorCode.CONVERSATION_NOT_FOUND, 2500);
  const {
    default: TencentCloudChat,
    EVENT,
    TYPES,
  } = await import(new URL('../dist/tencent.mjs', import.meta.url).href);
  assert.equal(TencentCloudChat.EVENT, EVENT);
  assert.equal(TencentCloudChat.TYPES, TYPES);
  assert.equal(typeof TencentCloudChat.create, 'function');
  const { IMEngine } = await import(new URL('../dist/rongcloud.mjs', import.meta.url).href);
  assert.equal(IMEngine.getInstance(), IMEngine.getInstance());
});

test('build-info.json and the compressed files are those of the built ones', () => {
  const wasm = readFileSync('dist/lethe.wasm');
  assert.equal(info.wasmSHA256, createHash('sha256').update(wasm).digest('hex'));
  for (const [name, sizes] of Object.entries(info.files)) {
    const plain = readFileSync(`dist/${name}`);
    assert.equal(sizes.bytes, plain.length);
    assert(brotliDecompressSync(readFileSync(`dist/${name}.br`)).equals(plain), name);
    assert(gunzipSync(readFileSync(`dist/${name}.gz`)).equals(plain), name);
  }
});

test('wasm and script come to at most 0.93 MB in brotli', () => {
  const size = info.files['lethe.wasm'].br + info.files['lethe.js'].br;
  assert(size <= 930_000, `${size} bytes`);
});
