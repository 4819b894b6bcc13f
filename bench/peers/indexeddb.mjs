// What both raw IndexedDB layouts need.

/** The request's result. */
export function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

export function open(name, upgrade) {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => upgrade(request.result);
  return done(request);
}

/** Runs work(stores…) in one transaction; resolves to its result when the transaction is complete, and as durable as said. */
export function commit(database, names, durability, work) {
  const transaction = database.transaction(names, 'readwrite', { durability });
  return new Promise((resolve, reject) => {
    let result;
    transaction.oncomplete = () => resolve(result);
    transaction.onabort = () => reject(transaction.error);
    Promise.resolve(work(...names.map((name) => transaction.objectStore(name)))).then(
      (value) => {
        result = value;
      },
      (failure) => {
        reject(failure);
        transaction.abort();
      },
    );
  });
}

/** The conversation's line in the list, as every layout keeps it. */
export function lineOf(conversationID, messages) {
  const { sentTime, seq, from, payload } = messages.at(-1);
  return { conversationID, lastTime: sentTime, head: seq, unread: 0, preview: { from, payload } };
}

/** Newest first, as an app shows them. */
export function byTime(lines) {
  return lines.sort((a, b) => b.lastTime - a.lastTime);
}
