// Runs the files of tests that it is given in this one process, one after the other: what they need is loaded once, and bare
// browsers are passed on from file to file. `node --test` gives each file a process of its own.
import { resolve } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { passOn } from './browser.mjs';

passOn(after);

// Begun out here: what a file registers while a test runs would belong to that test.
const reading = (async () => {
  for (const file of process.argv.slice(2)) {
    await import(pathToFileURL(resolve(file)));
  }
})();

// It comes first, so that no test begins before all are known.
test('the files of tests are read', () => reading);
