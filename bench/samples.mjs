// What was measured: by work and candidate the samples of the rounds, and what went wrong.
export class Samples {
  #samples = {};
  faults = [];

  add(work, candidate, value) {
    this.#samples[work] ??= {};
    this.#samples[work][candidate.name] ??= [];
    this.#samples[work][candidate.name].push(value);
  }

  /** A candidate's samples of a work, none if it was not asked to do it. */
  of(work, name) {
    return this.#samples[work]?.[name] ?? [];
  }

  /** The works whose names begin so. */
  works(prefix) {
    return Object.keys(this.#samples).filter((work) => work.startsWith(prefix));
  }

  /** A time does not count where messages are left that should be gone, or gone that should be left. */
  fault(work, candidate, text) {
    this.faults.push(`${candidate.title}, ${work}: ${text}`);
    process.stderr.write(`${this.faults.at(-1)}\n`);
  }

  toJSON() {
    return { samples: this.#samples, faults: this.faults };
  }
}
