// How figures are told.

/** The middle value. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** A result as a Markdown table. */
export function report({ date, machine, browser, input, figures }) {
  const rows = figures.map(({ name, unit, value, rounds, limit }) => [
    name,
    `${value.toPrecision(3)} ${unit}`,
    rounds ? `${Math.min(...rounds).toFixed(1)} … ${Math.max(...rounds).toFixed(1)}` : '',
    limit === undefined ? '' : `≤ ${limit} ${unit} ${value <= limit ? '✓' : '✗ missed'}`,
  ]);
  const table = [['', 'median', 'range', 'to reach'], ...rows];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  const line = (cells) => `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |\n`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|\n`;
  return `${date}, ${machine}, ${browser}, ${input}\n\n${line(table[0])}${rule}${rows.map(line).join('')}`;
}
