// Makes what runs in the browser: the pages of the candidates and the workers of the peers.
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { ROOT } from '../e2e/server.mjs';

const MODULES = join(ROOT, 'bench/peers/node_modules');

/** Node's modules that sql.js asks for only where it runs in Node. */
const noNode = {
  name: 'no node',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(fs|path|crypto)$/ }, ({ path }) => ({ path, namespace: 'none' }));
    onLoad({ filter: /.*/, namespace: 'none' }, () => ({ contents: 'export default {}' }));
  },
};

/** Fills a new folder with page-lethe.js, page-peer.js, a worker for each of the names, the engines' wasm and the pages. */
export async function bundle(out, workers) {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  await build({
    entryPoints: [
      { in: join(ROOT, 'bench/page/lethe.mjs'), out: 'page-lethe' },
      { in: join(ROOT, 'bench/page/peer.mjs'), out: 'page-peer' },
      ...workers.map((name) => ({ in: join(ROOT, `bench/peers/${name}.mjs`), out: `worker-${name}` })),
    ],
    nodePaths: [MODULES],
    outdir: out,
    bundle: true,
    format: 'iife',
    target: 'es2022',
    minify: true,
    define: {
      'import.meta.url': 'location.href', // in a script that is no module
      'process.env.NODE_ENV': '"production"',
      'process.env.PERF_BUILD': 'false',
    },
    logLevel: 'error',
    plugins: [noNode],
  });
  copyFileSync(join(MODULES, '@jlongster/sql.js/dist/sql-wasm.wasm'), join(out, 'sql-wasm.wasm'));
  copyFileSync(join(MODULES, '@sqlite.org/sqlite-wasm/dist/sqlite3.wasm'), join(out, 'sqlite3.wasm'));
  const page = (scripts) => `<!doctype html><link rel="icon" href="data:,">${scripts}`;
  writeFileSync(join(out, 'peer.html'), page('<script src="/page-peer.js"></script>'));
  writeFileSync(
    join(out, 'lethe.html'),
    page('<script src="/dist/lethe.js"></script><script src="/dist/page-lethe.js"></script>'),
  );
  // The package's worker as it is, but what it instantiates can be asked for its memory.
  writeFileSync(
    join(out, 'watched-worker.js'),
    `const instantiate = WebAssembly.instantiate;
     WebAssembly.instantiate = async (...given) => (self.core = await instantiate.apply(WebAssembly, given));
     importScripts('/dist/lethe.worker.js');`,
  );
}
