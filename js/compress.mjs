import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

// Brotli at its best takes seconds for the wasm, so what was compressed once is kept by its hash.
const cache = '.cache/compressed';

/** Writes file.br and file.gz beside the file and returns their sizes. */
export function compress(file, bytes) {
  mkdirSync(cache, { recursive: true });
  const hash = createHash('sha256').update(bytes).digest('hex');
  const made = {
    br: () =>
      brotliCompressSync(bytes, {
        params: {
          [constants.BROTLI_PARAM_QUALITY]: 11,
          [constants.BROTLI_PARAM_LGWIN]: 24,
          [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
        },
      }),
    gz: () => gzipSync(bytes, { level: 9 }),
  };
  const sizes = {};
  for (const [extension, make] of Object.entries(made)) {
    const kept = join(cache, `${hash}.${extension}`);
    const packed = existsSync(kept) ? readFileSync(kept) : make();
    if (!existsSync(kept)) {
      writeFileSync(kept, packed);
    }
    writeFileSync(`${file}.${extension}`, packed);
    sizes[extension] = packed.length;
  }
  return sizes;
}
