// Bundles the peers' pages and serves them, with the headers that SharedArrayBuffer asks for.
import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { basename, extname, join } from 'node:path';
import { build } from 'esbuild';
import { folder } from '../../e2e/endings.mjs';
import { ROOT } from '../../e2e/server.mjs';

const MODULES = join(ROOT, 'bench/peers/node_modules');
const PAGES = join(ROOT, 'bench/residue/pages');
const ENGINES = { absurd: '@jlongster/sql.js/dist/sql-wasm.wasm', sqlite: '@sqlite.org/sqlite-wasm/dist/sqlite3.wasm' };
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };
const HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** Node's modules that sql.js asks for only where it runs in Node. */
const noNode = {
  name: 'no node',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(fs|path|crypto)$/ }, ({ path }) => ({ path, namespace: 'none' }));
    onLoad({ filter: /.*/, namespace: 'none' }, () => ({ contents: 'export default {}' }));
  },
};

/**
 * Serves a page for each of the workers in pages/, at /peer.html#name; resolves to the site's address. What a worker imports
 * must be installed in bench/peers.
 */
export async function servePeers(run, workers) {
  const out = folder(run, 'peers');
  const scripts = workers.includes('absurd') ? ['page', 'page-absurd'] : ['page'];
  await build({
    entryPoints: [
      ...scripts.map((name) => ({ in: join(PAGES, `${name}.js`), out: name })),
      ...workers.map((name) => ({ in: join(PAGES, `${name}.js`), out: `worker-${name}` })),
    ],
    nodePaths: [MODULES],
    outdir: out,
    bundle: true,
    format: 'iife',
    target: 'es2022',
    define: { 'import.meta.url': 'location.href' },
    logLevel: 'error',
    plugins: [noNode],
  });
  for (const engine of workers.map((name) => ENGINES[name]).filter(Boolean)) {
    copyFileSync(join(MODULES, engine), join(out, basename(engine)));
  }
  const tags = scripts.map((name) => `<script src="/${name}.js"></script>`);
  writeFileSync(join(out, 'peer.html'), `<!doctype html><link rel="icon" href="data:,">${tags.join('')}`);
  return serve(run, out);
}

async function serve(run, files) {
  const server = createServer((request, response) => {
    const name = basename(new URL(request.url, 'http://localhost').pathname);
    try {
      const body = readFileSync(join(files, name));
      response.writeHead(200, { ...HEADERS, 'Content-Type': TYPES[extname(name)] }).end(body);
    } catch {
      response.writeHead(404, HEADERS).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  run.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
}
