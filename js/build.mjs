// Makes dist/ from .cache/lethe.wasm (which the Makefile builds before) and the TypeScript: node js/build.mjs
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { compress } from './compress.mjs';
import { joinSegments } from './segments.mjs';

const out = 'dist';
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));

const shared = {
  bundle: true,
  minify: true,
  target: 'es2022',
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
};

/** wasm_exec.js comes from the toolchain that built the wasm, as a function, so that importing it changes no globals. */
const wasmExec = {
  name: 'wasm_exec',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^go:wasm_exec$/ }, () => ({ path: 'wasm_exec', namespace: 'go' }));
    onLoad({ filter: /.*/, namespace: 'go' }, () => {
      const root = execFileSync('go', ['env', 'GOROOT'], { encoding: 'utf8' }).trim();
      const source = readFileSync(join(root, 'lib/wasm/wasm_exec.js'), 'utf8');
      return { contents: `export function defineGo() {\n${source}\n}`, loader: 'js' };
    });
  },
};

/**
 * msgpackr/index-no-eval from its modules instead of its one file: what the package uses of it is a kB smaller, packed. Its
 * authors make that file in the same way: the name is replaced, so that nothing asks for unsafe-eval.
 */
const msgpackr = {
  name: 'msgpackr',
  setup({ onResolve, onLoad }) {
    const folder = resolve('node_modules/msgpackr');
    onResolve({ filter: /^msgpackr\/index-no-eval$/ }, () => ({ path: join(folder, 'pack.js'), sideEffects: false }));
    onLoad({ filter: /msgpackr\/unpack\.js$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      const contents = source.replace('new Function(', 'new BlockedFunction(');
      if (contents === source || /\bnew Function\b|\beval\(/.test(contents.replace(/\/\/.*/g, ''))) {
        throw new Error(`${path} is not as it was: look whether it still evaluates text`);
      }
      return { contents, loader: 'js' };
    });
  },
};

/** The worker's script as a string inside the page's. */
const worker = (source) => ({
  name: 'worker',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^lethe:worker$/ }, () => ({ path: 'worker', namespace: 'lethe' }));
    onLoad({ filter: /.*/, namespace: 'lethe' }, () => ({ contents: source, loader: 'text' }));
  },
});

/** The faces stand on what the package exports: in dist/ they import it, so that there is one core, whoever starts it. */
const onThePackage = {
  name: 'package',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.\/(index|api)\.js$/ }, () => ({ path: './index.mjs', external: true }));
  },
};

async function bundle(entry, outfile, options) {
  const { outputFiles } = await build({ ...shared, entryPoints: [entry], write: false, ...options });
  writeFileSync(join(out, outfile), outputFiles[0].text);
  return outputFiles[0].text;
}

mkdirSync(out, { recursive: true });
writeFileSync(join(out, 'lethe.wasm'), joinSegments(readFileSync('.cache/lethe.wasm')));
const workerSource = await bundle('js/worker.ts', 'lethe.worker.js', { format: 'iife', plugins: [wasmExec] });
const plugins = [wasmExec, msgpackr, worker(workerSource)];
await Promise.all([
  bundle('js/script.ts', 'lethe.js', { format: 'iife', plugins }),
  bundle('js/index.ts', 'index.mjs', { format: 'esm', plugins }),
  bundle('js/tencent/index.ts', 'tencent.mjs', { format: 'esm', plugins: [onThePackage] }),
  bundle('js/rongcloud/index.ts', 'rongcloud.mjs', { format: 'esm', plugins: [onThePackage] }),
  bundle('js/demo/demo.ts', 'demo.js', { format: 'iife' }),
  bundle('js/demo/demo.css', 'demo.css', {}),
]);

execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'js/tsconfig.build.json'], {
  stdio: 'inherit',
});

const files = {};
const scripts = ['lethe.js', 'lethe.worker.js', 'index.mjs', 'tencent.mjs', 'rongcloud.mjs'];
for (const name of ['lethe.wasm', ...scripts, 'demo.js', 'demo.css']) {
  const bytes = readFileSync(join(out, name));
  files[name] = { bytes: bytes.length, ...compress(join(out, name), bytes) };
}
writeFileSync(
  join(out, 'build-info.json'),
  `${JSON.stringify(
    {
      version,
      go: execFileSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' }).trim(),
      wasmSHA256: createHash('sha256')
        .update(readFileSync(join(out, 'lethe.wasm')))
        .digest('hex'),
      files,
    },
    null,
    2,
  )}\n`,
);
