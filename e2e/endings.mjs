// What a test has started is ended in reverse order; node:test's own hooks run in the order they were given.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const stacks = new WeakMap();

/** Runs end when the test t is over, before what was given earlier. */
export function atEnd(t, end) {
  const stack = stacks.get(t) ?? [];
  if (stack.length === 0) {
    stacks.set(t, stack);
    t.after(async () => {
      const failures = [];
      while (stack.length > 0) {
        await Promise.resolve()
          .then(stack.pop())
          .catch((failure) => failures.push(failure));
      }
      if (failures.length > 0) {
        throw failures.length === 1 ? failures[0] : new AggregateError(failures, failures.join('\n'));
      }
    });
  }
  stack.push(end);
}

/** A new folder, removed when the test t is over. */
export function folder(t, name) {
  const path = mkdtempSync(join(tmpdir(), `lethe-${name}-`));
  atEnd(t, () => rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  return path;
}
