// Serves the pages of the peers and the messages that they insert. The headers are what SharedArrayBuffer asks for.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { basename, extname, join } from 'node:path';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };

/** Starts it; resolves to its address. */
export async function serveSite(run, folder, talk) {
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://localhost');
    const headers = {
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
      'Cross-Origin-Resource-Policy': 'same-origin',
    };
    try {
      const talking = pathname === '/talk';
      const body = talking ? JSON.stringify(messagesOf(talk, searchParams)) : await read(folder, pathname);
      const type = talking ? 'application/json' : TYPES[extname(pathname)];
      response.writeHead(200, { ...headers, 'Content-Type': type }).end(body);
    } catch (thrown) {
      response.writeHead(404, headers).end(String(thrown));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  run.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

function read(folder, pathname) {
  return readFile(join(folder, basename(pathname)));
}

/** Messages as an app keeps them; the messageID says nothing of the conversation or the order, as most servers' do not. */
function messagesOf(talk, parameters) {
  const conversationID = parameters.get('conversationID');
  const first = Number(parameters.get('seq'));
  return talk.batch(conversationID, first, Number(parameters.get('count'))).map(({ from, time, text }, i) => ({
    messageID: createHash('md5')
      .update(`${conversationID} ${first + i}`)
      .digest('hex'),
    conversationID,
    conversationType: 'GROUP',
    type: 'TIMTextElem',
    seq: first + i,
    from,
    sentTime: time,
    status: 'success',
    payload: { text },
  }));
}
