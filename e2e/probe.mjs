// Counts what a realm (a page or a worker) holds of the browser, by standing before the constructors that give it out. The real
// things do the work. It is text, since it must run before anything else in the realm.

function probe() {
  const live = {
    sockets: new Set(),
    channels: new Set(),
    databases: new Set(),
    handles: new Set(),
    workers: new Set(),
    timers: new Set(),
    listeners: new Set(),
  };

  /** Puts a function before the one that an object has. */
  const before = (object, name, make) => {
    if (object?.[name]) {
      object[name] = make(object[name]);
    }
  };
  const add = EventTarget.prototype.addEventListener;

  before(self, 'WebSocket', (Native) => {
    return class WebSocket extends Native {
      constructor(...args) {
        super(...args);
        live.sockets.add(this);
        add.call(this, 'close', () => live.sockets.delete(this));
      }
    };
  });
  before(self, 'BroadcastChannel', (Native) => {
    return class BroadcastChannel extends Native {
      constructor(...args) {
        super(...args);
        live.channels.add(this);
      }
      close() {
        super.close();
        live.channels.delete(this);
      }
    };
  });
  before(self, 'Worker', (Native) => {
    return class Worker extends Native {
      constructor(...args) {
        super(...args);
        live.workers.add(this);
      }
      terminate() {
        super.terminate();
        live.workers.delete(this);
      }
    };
  });

  before(IDBFactory.prototype, 'open', (native) => {
    return function open(...args) {
      const request = native.apply(this, args);
      add.call(request, 'success', () => live.databases.add(request.result));
      return request;
    };
  });
  before(IDBDatabase.prototype, 'close', (native) => {
    return function close() {
      live.databases.delete(this);
      return native.call(this);
    };
  });
  before(self.FileSystemFileHandle?.prototype, 'createSyncAccessHandle', (native) => {
    return async function createSyncAccessHandle(...args) {
      const handle = await native.apply(this, args);
      live.handles.add(handle);
      return handle;
    };
  });
  before(self.FileSystemSyncAccessHandle?.prototype, 'close', (native) => {
    return function close() {
      live.handles.delete(this);
      return native.call(this);
    };
  });

  for (const [set, clear, once] of [
    ['setTimeout', 'clearTimeout', true],
    ['setInterval', 'clearInterval', false],
  ]) {
    before(self, set, (native) => (fn, ...args) => {
      const id = native(
        (...given) => {
          if (once) {
            live.timers.delete(id);
          }
          fn(...given);
        },
        ...args,
      );
      live.timers.add(id);
      return id;
    });
    before(self, clear, (native) => (id) => {
      live.timers.delete(id);
      native(id);
    });
  }

  // Those on what stays: what goes takes its listeners with it.
  const stays = (target) =>
    target === self || target === self.document || (self.navigator && Object.values(self.navigator).includes(target));
  const keys = new WeakMap();
  const keyOf = (fn) => {
    keys.set(fn, keys.get(fn) ?? Math.random());
    return keys.get(fn);
  };
  before(EventTarget.prototype, 'addEventListener', (native) => {
    return function addEventListener(type, fn, options) {
      const target = this ?? self;
      if (fn && stays(target)) {
        live.listeners.add(`${type} ${keyOf(fn)}`);
      }
      return native.call(target, type, fn, options);
    };
  });
  before(EventTarget.prototype, 'removeEventListener', (native) => {
    return function removeEventListener(type, fn, options) {
      const target = this ?? self;
      if (fn && stays(target)) {
        live.listeners.delete(`${type} ${keyOf(fn)}`);
      }
      return native.call(target, type, fn, options);
    };
  });

  // Go's functions: each Go program of this realm makes its own class.
  const made = [];
  let Go;
  Object.defineProperty(self, 'Go', {
    configurable: true,
    get: () => Go,
    set(given) {
      Go = given;
      before(Go?.prototype, '_makeFuncWrapper', (native) => {
        return function makeFuncWrapper(id) {
          const wrapper = native.call(this, id);
          made.push(wrapper);
          return wrapper;
        };
      });
    },
  });

  self.probe = {
    count: () => Object.fromEntries(Object.entries(live).map(([name, set]) => [name, set.size])),
    made: () => made.length,
    /** How many of Go's functions, those made first apart, are not released. It calls them to find out: all must be over. */
    unreleased(first) {
      const printed = console.error;
      let released = 0;
      console.error = (text) => {
        released += text === 'call to released function';
      };
      for (const wrapper of made.slice(first)) {
        wrapper();
      }
      console.error = printed;
      return made.length - first - released;
    },
  };
}

/** Files for a site: a page whose chats run beside the probe, and their worker. */
export const PROBED = {
  'dist/probe.js': `(${probe})();`,
  'dist/probed.worker.js': "importScripts('/dist/probe.js', '/dist/lethe.worker.js');",
  'index.html':
    '<!doctype html><link rel="icon" href="data:,"><script src="/dist/probe.js"></script><script src="/dist/lethe.js"></script>',
};

export const WORKER = '/dist/probed.worker.js';
