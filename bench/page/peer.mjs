// A peer: its worker does and times the work.
import { initBackend } from 'absurd-sql/dist/indexeddb-main-thread';
import { measure } from './measure.mjs';

const worker = new Worker(`/${new URLSearchParams(location.search).get('worker')}`);
initBackend(worker); // absurd-sql has the page start its second worker; others never ask for one
const replies = new Map();

worker.addEventListener('message', ({ data: { id, time, value, failure } }) => {
  const reply = replies.get(id);
  replies.delete(id);
  if (failure) {
    reply.reject(new Error(failure));
  } else {
    reply?.resolve({ time, value }); // without one it is absurd-sql's
  }
});
worker.addEventListener('error', ({ message }) => {
  for (const { reject } of replies.values()) {
    reject(new Error(message));
  }
});

let calls = 0;
const call =
  (method) =>
  (...args) =>
    new Promise((resolve, reject) => {
      const id = ++calls;
      replies.set(id, { resolve, reject });
      worker.postMessage({ id, method, args });
    });

const methods = ['open', 'list', 'insert', 'newest', 'count'];
const deletions = ['deleteConversation', 'deleteConversations', 'deleteOlder', 'deleteIds'];

measure({
  ...Object.fromEntries([...methods, ...deletions].map((method) => [method, call(method)])),
  idOf: ({ id }) => id,
  // A peer does nothing in the background that it knows of.
  finished: () => undefined,
  delivered: () => undefined,
});
