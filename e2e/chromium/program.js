// Runs the Go program in a page or in a worker, and sends what it prints and its exit code to the server, in order.
(async () => {
  let sent = Promise.resolve();
  const post = (path, body) => {
    sent = sent.then(() => fetch(path, { method: 'POST', body }));
  };
  try {
    if (self.document) {
      await new Promise((resolve, reject) => {
        const script = document.createElement('script');
        Object.assign(script, { src: '/wasm_exec.js', onload: resolve, onerror: reject });
        document.head.append(script);
      });
    } else {
      importScripts('/wasm_exec.js');
    }
    fs.writeSync = (_, bytes) => {
      post('/output', bytes.slice());
      return bytes.length;
    };
    const how = await (await fetch('/how.json')).json();
    const go = new Go();
    go.argv = how.args;
    go.env = how.env;
    let code = 0;
    go.exit = (c) => {
      code = c;
    };
    const { instance } = await WebAssembly.instantiateStreaming(fetch('/program.wasm'), go.importObject);
    await go.run(instance);
    post(`/exit/${code}`);
  } catch (error) {
    post('/output', `${error?.stack ?? error}\n`);
    post('/exit/2');
  }
})();
