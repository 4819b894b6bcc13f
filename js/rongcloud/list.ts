/** The list of HarmonyOS, as far as chat code uses it. Wherever one is taken, an array is too. */
export class List<T> implements Iterable<T> {
  readonly #items: T[] = [];

  static of<T>(items: Iterable<T>): List<T> {
    const list = new List<T>();
    for (const item of items) {
      list.add(item);
    }
    return list;
  }

  get length(): number {
    return this.#items.length;
  }

  add(item: T): boolean {
    this.#items.push(item);
    return true;
  }

  get(index: number): T | undefined {
    return this.#items[index];
  }

  has(item: T): boolean {
    return this.#items.includes(item);
  }

  isEmpty(): boolean {
    return this.#items.length === 0;
  }

  forEach(callback: (item: T, index: number, list: List<T>) => void): void {
    this.#items.forEach((item, index) => {
      callback(item, index, this);
    });
  }

  convertToArray(): T[] {
    return [...this.#items];
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items.values();
  }
}

/** The items of a List or an array; nothing of what is neither. */
export function itemsOf<T>(list: List<T> | readonly T[]): T[] | undefined {
  return list instanceof List || Array.isArray(list) ? [...list] : undefined;
}
