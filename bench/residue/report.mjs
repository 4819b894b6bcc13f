// What was found, as a table, and what is wrong with it.
import { MOMENTS } from './examine.mjs';

const LIMITS =
  'Searched are files, whole and unpacked. What the file system keeps of removed or shortened files is not; nor are memory and swap.';

/** Lines of Markdown: a row for each candidate and step, marks left at each moment; keys in rows of their own. */
export function report({ date, browser, candidates, server }) {
  const table = [['marks left', 'planted', ...MOMENTS]];
  for (const { name, rows } of candidates) {
    for (const { step, planted, keys, moments } of rows) {
      table.push([`${name}, ${step}`, planted, ...MOMENTS.map((moment) => moments[moment].marks)]);
      if (keys > 0) {
        table.push([`${name}, ${step}: destroyed keys`, keys, ...MOMENTS.map((moment) => moments[moment].keys)]);
      }
    }
  }
  for (const { step, planted, moments } of server) {
    table.push([`Lethe’s server, ${step}`, planted, ...MOMENTS.map((moment) => moments[moment] ?? '')]);
  }
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => String(row[column]).length)));
  const line = (cells) =>
    `| ${cells.map((cell, i) => (i ? String(cell).padStart(widths[i]) : cell.padEnd(widths[i]))).join(' | ')} |\n`;
  const rule = `|${widths.map((width, i) => (i ? `${'-'.repeat(width + 1)}:` : '-'.repeat(width + 2))).join('|')}|\n`;
  const [head, ...body] = table.map(line);
  return `${date}, ${browser}\n\n${head}${rule}${body.join('')}\n${LIMITS}\n`;
}

/** What must not be: a search that does not find what is there, and anything that Lethe leaves. */
export function faults({ candidates, server }) {
  const faults = unseen(candidates);
  for (const { name, sealed, rows } of candidates) {
    for (const { step, planted, slots, keys, moments } of rows) {
      const fault = (what) => faults.push(`${name}, ${step}: ${what}`);
      const { before } = moments;
      if (!sealed) {
        if (before.marks !== planted) {
          fault(`the search finds ${before.marks} of ${planted} marks before: it proves nothing`);
        }
        continue;
      }
      if (before.marks > 0) {
        fault(`${before.marks} marks stand readable before`);
      }
      if (before.keys !== keys || keys === 0) {
        fault(
          `of ${slots} keys ${keys} were destroyed; the search finds ${before.keys} of these before: it proves nothing`,
        );
      }
      for (const moment of MOMENTS.slice(1)) {
        const { marks, keys: left, places } = moments[moment];
        if (marks + left > 0) {
          fault(`${moment}, ${marks} marks and ${left} keys are left: ${JSON.stringify(places)}`);
        }
      }
    }
  }
  for (const { step, planted, stays, kept, log, moments } of server) {
    const fault = (what) => faults.push(`Lethe’s server, ${step}: ${what}`);
    if (moments.before !== planted || kept !== stays) {
      fault(`the search finds ${moments.before} of ${planted} before, and ${kept} of the ${stays} that stay`);
    }
    for (const moment of MOMENTS.slice(1).filter((moment) => moments[moment] > 0)) {
      fault(`${moment}, ${moments[moment]} marks are left`);
    }
    if (log > 0) {
      fault(`${log} marks are in the log`);
    }
  }
  return faults;
}

/** The places in which marks lie hidden: where none was found in any candidate that does not seal, nobody knows whether it
 * would have been. */
function unseen(candidates) {
  const moments = candidates
    .filter(({ sealed }) => !sealed)
    .flatMap(({ rows }) => rows.flatMap((row) => Object.values(row.moments)));
  const places = moments.flatMap((moment) => Object.keys(moment.places));
  const proofs = {
    'a packed block of a table':
      moments.some(({ packed }) => packed > 0) && places.some((place) => /in a block$/.test(place)),
    'a record of a log': places.some((place) => /in a record$/.test(place)),
    'a packed value': places.some((place) => /in a packed value$/.test(place)),
    'a file of its own': places.some((place) => /\/blob:/.test(place)),
    'UTF-16': places.some((place) => /UTF-16/.test(place)),
  };
  return Object.entries(proofs)
    .filter(([, seen]) => !seen)
    .map(([what]) => `no mark was found in ${what}: the search may be blind there`);
}
