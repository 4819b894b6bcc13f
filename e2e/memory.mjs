// What a page's memory is, after all garbage is collected.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * Resolves to a function that measures, in bytes: heap = the page's JavaScript objects, backing = their buffers (WebAssembly memory is
 * one), resident = the renderer process with the page's workers; and counts listeners. browser is the browser's process id.
 */
export async function memoryOf(page, browser) {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  await session.send('HeapProfiler.enable');
  return async () => {
    for (let i = 0; i < 3; i++) {
      await session.send('HeapProfiler.collectGarbage'); // what is finalised in one is collected in the next
      await wait(50);
    }
    const { usedSize, embedderHeapUsedSize, backingStorageSize } = await session.send('Runtime.getHeapUsage');
    const { metrics } = await session.send('Performance.getMetrics');
    return {
      heap: usedSize + embedderHeapUsedSize,
      backing: backingStorageSize,
      resident: renderersOf(browser),
      listeners: metrics.find(({ name }) => name === 'JSEventListeners').value,
    };
  };
}

/** The resident bytes of the largest renderer of a browser: the one with our page. */
function renderersOf(browser) {
  let largest = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const [, , , group] = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/\(.*\)/, '()')
        .split(' ')
        .slice(1);
      if (Number(group) !== browser || !readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--type=renderer')) {
        continue;
      }
      const [, kB] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
      largest = Math.max(largest, Number(kB) * 1024);
    } catch {
      // it has ended meanwhile
    }
  }
  if (largest === 0) {
    throw new Error('the browser has no renderer');
  }
  return largest;
}

/** The slope of the line that fits points best (least squares). */
export function slope(points) {
  const n = points.length;
  const mx = points.reduce((sum, [x]) => sum + x, 0) / n;
  const my = points.reduce((sum, [, y]) => sum + y, 0) / n;
  const over = points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0);
  return over / points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
}
