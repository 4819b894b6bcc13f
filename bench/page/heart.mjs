/** Beats every 4 ms on the page's thread: what holds it up is how long the page could not have answered a click. */
export class Heart {
  #longest = 0;
  #last = performance.now();

  constructor() {
    const beat = () => {
      const now = performance.now();
      this.#longest = Math.max(this.#longest, now - this.#last - 4);
      this.#last = now;
      setTimeout(beat, 4);
    };
    setTimeout(beat, 4);
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) {
        this.#longest = Math.max(this.#longest, duration);
      }
    }).observe({ type: 'longtask', buffered: true });
  }

  /** The longest hold-up since the last call. */
  longest() {
    const longest = this.#longest;
    this.#longest = 0;
    return longest;
  }
}
