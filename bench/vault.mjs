// Turns the output of `go test -bench Vault` (stdin) into the samples that bench.mjs takes by --vault (stdout).
import { readFileSync } from 'node:fs';

const insert = [...readFileSync(0, 'utf8').matchAll(/([\d.]+) ms-fill/g)].map(([, ms]) => Number(ms));
if (insert.length === 0) {
  throw new Error('no benchmark of the vault was run');
}
process.stdout.write(`${JSON.stringify({ insert })}\n`);
