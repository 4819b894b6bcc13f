// How samples are told.

/** The middle value. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The rows with each candidate's median, and with what was to reach and whether it was. */
export function figuresOf(rows, samples, candidates) {
  const medianOf = (work, name) => {
    const values = samples.of(work, name);
    return values.length > 0 ? median(values) : undefined;
  };
  return rows.map(({ work, title, unit = 'ms', limit, ratios = [] }) => {
    const medians = Object.fromEntries(candidates.map(({ name }) => [name, medianOf(work, name)]));
    const checks = limit === undefined ? [] : [{ text: `≤ ${limit}`, met: medians.lethe <= limit }];
    for (const { to = work, peers, least } of ratios) {
      const measured = candidates.filter(({ name }) => name !== 'lethe' && (peers ?? [name]).includes(name));
      const times = measured.map(({ name }) => medianOf(to, name)).filter((time) => time !== undefined);
      if (times.length > 0) {
        const ratio = Math.min(...times) / medians.lethe;
        checks.push({ text: `${least}× ${peers?.join(', ') ?? 'every peer'}`, ratio, met: ratio >= least });
      }
    }
    return { work, title, unit, medians, checks: medians.lethe === undefined ? [] : checks };
  });
}

/** Figures as a Markdown table: a column a candidate, beside each peer's figure how many times Lethe's it is. */
export function tableOf(figures, candidates, judged) {
  const head = ['', ...candidates.map(({ title }) => title), ...(judged ? ['Lethe is to reach'] : [])];
  const body = figures.map(({ title, unit, medians, checks }) => [
    title,
    ...candidates.map(({ name }) => cellOf(medians[name], unit, name === 'lethe' ? undefined : medians.lethe)),
    ...(judged ? [checks.map(({ text, met }) => `${text} ${met ? '✓' : '✗'}`).join('; ')] : []),
  ]);
  const table = [head, ...body];
  const widths = head.map((_, column) => Math.max(...table.map((row) => row[column].length)));
  const line = (cells) => `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |\n`;
  return `${line(head)}|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|\n${body.map(line).join('')}`;
}

function cellOf(value, unit, lethe) {
  if (value === undefined) {
    return '–';
  }
  const told = `${short(value)} ${unit}`;
  return lethe === undefined || unit !== 'ms' ? told : `${told} (${short(value / lethe)}×)`;
}

/** Three digits that count. */
function short(value) {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.max(value, 0.01))));
  const [whole, fraction] = value.toFixed(digits).split('.');
  return [whole.replace(/\B(?=(\d{3})+$)/g, ' '), ...(fraction ? [fraction] : [])].join('.');
}
