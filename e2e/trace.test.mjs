// One trace leads from the call in the page, through the wasm, its worker and the socket, to the statements of the server's store.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { Browser } from './browser.mjs';
import { soon } from './device.mjs';
import { atEnd } from './endings.mjs';
import { Server } from './server.mjs';

const TRACE = 'a1'.repeat(16);
const PAGE = 'b2'.repeat(8);

test('a call in the page is traced down to the SQL, and only where the app asks', async (t) => {
  const collector = await Collector.start(t);
  const environment = { OTEL_BSP_SCHEDULE_DELAY: '100' }; // ms; 5 s by default
  const server = await Server.start(t, { options: ['--trace', collector.url], environment });
  const browser = await Browser.start(t, { bare: true });
  const page = await browser.newPage();
  await page.goto(server.url);
  await page.evaluate(
    async ([url, token, parent]) => {
      let traceparent;
      const chat = await Lethe.create({ url, trace: () => traceparent });
      await chat.login({ userID: 'ann', token });
      const send = (text) =>
        chat.sendMessage(chat.createTextMessage({ to: 'bob', conversationType: 'C2C', payload: { text } }));
      await send('not traced');
      traceparent = parent;
      await chat.deleteConversation('C2Cbob');
      traceparent = undefined;
      await send('not traced either');
      for (let owed = 1; owed > 0; ) {
        owed = (await chat.inspectConversation('C2Cbob')).data.outbox;
      }
    },
    [server.url, await server.token('ann'), `00-${TRACE}-${PAGE}-01`],
  );
  const named = (name) => collector.spans.find((span) => span.name.startsWith(name));
  await soon('the deletion is traced', () => named('lethe.delete'));
  await server.stop(); // what is left is handed over
  const [operation, transaction, statement] = ['lethe.delete', 'store.write', 'sql.insert'].map(named);
  assert.equal(operation.parent, PAGE);
  assert.equal(transaction.parent, operation.id);
  assert.equal(statement.parent, transaction.id);
  assert.deepEqual([...new Set(collector.spans.map(({ trace }) => trace))], [TRACE]);
  assert.equal(named('lethe.send'), undefined);

  // true begins a trace with each call. The page is a new one: the old one's chat would lead, and waits longer with each
  // connection that failed while the server was away.
  await server.start();
  await page.goto(server.url);
  await page.evaluate(
    async ([url, token]) => {
      const chat = await Lethe.create({ url, trace: true });
      await chat.login({ userID: 'ann', token });
      await chat.sendMessage(
        chat.createTextMessage({ to: 'bob', conversationType: 'C2C', payload: { text: 'traced' } }),
      );
    },
    [server.url, await server.token('ann')],
  );
  await soon('the message is traced', () => named('lethe.send'));
  assert.notEqual(named('lethe.send').trace, TRACE);
  await page.close();
});

/** Takes OTLP over HTTP. */
class Collector {
  spans = [];

  static async start(t) {
    const collector = new Collector();
    const server = createServer(async (request, response) => {
      const body = Buffer.concat(await request.toArray());
      for (const resource of fields(body, 1)) {
        for (const scope of fields(resource, 2)) {
          collector.spans.push(...fields(scope, 2).map(span));
        }
      }
      response.end();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    atEnd(t, () => new Promise((resolve) => server.close(resolve)));
    collector.url = `http://127.0.0.1:${server.address().port}`;
    return collector;
  }
}

/** An opentelemetry.proto.trace.v1.Span, as far as it is needed. */
function span(bytes) {
  const [trace, id, parent, name] = [1, 2, 4, 5].map((number) => fields(bytes, number)[0] ?? Buffer.alloc(0));
  return {
    trace: trace.toString('hex'),
    id: id.toString('hex'),
    parent: parent.toString('hex'),
    name: name.toString(),
  };
}

/** The fields of that number of a protobuf message that have a length: strings, bytes and messages. */
function fields(message, wanted) {
  const found = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = message[at++];
      value += (byte & 127) * shift;
      if (byte < 128) {
        return value;
      }
    }
  };
  while (at < message.length) {
    const key = varint();
    const kind = key & 7;
    if (kind === 0) {
      varint();
    } else if (kind === 2) {
      const length = varint();
      if (key >> 3 === wanted) {
        found.push(message.subarray(at, at + length));
      }
      at += length;
    } else {
      at += kind === 1 ? 8 : 4;
    }
  }
  return found;
}
