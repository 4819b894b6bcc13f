// Hands calls to the peer's worker.
const worker = new Worker(`/worker-${location.hash.slice(1)}.js`);
window.peerWorker = worker;

const waiting = new Map();
let calls = 0;

worker.addEventListener('message', ({ data }) => {
  const call = waiting.get(data.call);
  if (call) {
    waiting.delete(data.call);
    data.failure ? call.reject(new Error(data.failure)) : call.resolve(data.value);
  }
});

window.peer = (method, ...args) =>
  new Promise((resolve, reject) => {
    waiting.set(++calls, { resolve, reject });
    worker.postMessage({ call: calls, method, args });
  });
