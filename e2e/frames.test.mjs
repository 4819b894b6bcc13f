// Bad frames over a bare WebSocket: each has its close code, or is refused alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pack, unpack } from 'msgpackr';
import { Browser } from './browser.mjs';
import { Server } from './server.mjs';

const MAX_FRAME = 256 * 1024;

test('bad frames', async (t) => {
  const server = await Server.start(t);
  const browser = await Browser.start(t, { bare: true, tolerated: /Sec-WebSocket-Protocol/ });
  const page = await browser.newPage();
  await page.goto(server.url);
  const token = await server.token('me');
  const hello = frame(1, 'hello', { v: [1], a: 'lethe', u: 'me', t: token, d: 'device' });

  /** Sends frames after one another and collects what comes back until the server closes, or until there are enough answers. */
  const talk = async (frames, { answers = 0, protocol = 'lethe.v1' } = {}) => {
    const { received, ...end } = await page.evaluate(exchange, { frames: frames.map(plain), answers, protocol });
    return { ...end, received: received.map((bytes) => unpack(Uint8Array.from(bytes))) };
  };

  const closes = async (what, frames, code, options) =>
    t.test(what, async () => {
      const { code: got } = await talk(frames, options);
      assert.equal(got, code);
    });

  await t.test('a good frame is answered', async () => {
    const { received, code } = await talk([hello, frame(2, 'ping', {})], { answers: 2 });
    assert.equal(code, undefined);
    assert.deepEqual(
      received.map(({ k, i, c }) => ({ k, i, c })),
      [
        { k: 2, i: 1, c: undefined },
        { k: 2, i: 2, c: undefined },
      ],
    );
  });

  await closes('a body that is not MessagePack', [hello, bytes(0xc1, 0xff, 0x00)], 3507);
  await closes('no MessagePack as the first frame', [bytes(0xc1)], 3507);
  await closes('an empty frame', [hello, bytes()], 3507);
  await closes('MessagePack that is no frame', [hello, pack([1, 2, 3])], 3507);
  await closes('bytes behind the frame', [hello, bytes(...frame(2, 'ping', {}), 0)], 3507);
  await closes('a frame cut off', [hello, frame(2, 'ping', {}).subarray(0, -1)], 3507);
  await closes('a frame of an unknown kind', [hello, pack({ k: 9, i: 2, t: 'ping', b: {} })], 3507);
  await closes('a response from a client', [hello, pack({ k: 2, i: 2 })], 3507);
  await closes('a text frame', [hello, 'ping'], 3507);
  await closes('a frame that is too large', [hello, new Uint8Array(MAX_FRAME + 1)], 3508);
  await closes('a frame of 4 MiB', [hello, new Uint8Array(4 << 20)], 3508);
  await closes('something else before hello', [frame(1, 'ping', {})], 3506);
  await closes('an unknown version', [frame(1, 'hello', { v: [99], a: 'lethe', u: 'me', t: token, d: 'd' })], 3501);
  await closes('no version', [frame(1, 'hello', { v: [], a: 'lethe', u: 'me', t: token, d: 'd' })], 3501);
  await closes('a token that is no token', [frame(1, 'hello', { v: [1], a: 'lethe', u: 'me', t: 'x', d: 'd' })], 3500);
  await closes('no token', [frame(1, 'hello', { v: [1], a: 'lethe', u: 'me', t: '', d: 'd' })], 3505);
  await closes('a token of another app', [frame(1, 'hello', { v: [1], a: 'other', u: 'me', t: token, d: 'd' })], 3503);
  await closes("another user's token", [frame(1, 'hello', { v: [1], a: 'lethe', u: 'you', t: token, d: 'd' })], 3504);

  await t.test('an unknown subprotocol', async () => {
    const { code, opened } = await talk([hello], { protocol: 'lethe.v99' });
    assert.deepEqual({ code, opened }, { code: 1006, opened: false }); // the browser itself refuses it
  });

  for (const [what, bad, code] of [
    ['an operation of an unknown type', frame(2, 'abolish', {}), 90032],
    ['a body that is not the operation’s', frame(2, 'page', 'everything'), 90030],
    ['a field of the wrong type', frame(2, 'page', { c: 5, l: 10 }), 90030],
    ['a page of an unknown conversation', frame(2, 'page', { c: 'C2Cnobody', l: 10 }), 2500],
    ['a page of a name with an unknown prefix', frame(2, 'page', { c: 'X', l: 10 }), 2503],
    ['hello once more, as somebody else', frame(2, 'hello', { v: [1], a: 'lethe', u: 'you', t: token, d: 'd' }), 70013],
  ]) {
    await t.test(`${what} is refused alone`, async () => {
      const { received } = await talk([hello, bad, frame(3, 'ping', {})], { answers: 3 });
      assert.equal(received[1].c, code, received[1].m);
      assert.ok(!received[1].b);
      assert.equal(received[2].c, undefined, 'the connection goes on');
    });
  }

  await t.test('the largest frame is taken', async () => {
    const empty = frame(2, 'ping', { x: new Uint8Array(0) }).length;
    const full = frame(2, 'ping', { x: new Uint8Array(MAX_FRAME - empty - 3) });
    assert.ok(full.length <= MAX_FRAME && full.length > MAX_FRAME - 8);
    const { received } = await talk([hello, full], { answers: 2 });
    assert.equal(received[1].c, undefined, received[1].m);
  });
});

function frame(id, type, body) {
  return pack({ k: 1, i: id, t: type, b: body });
}

function bytes(...values) {
  return Uint8Array.from(values);
}

/** What can be handed to a page. */
function plain(message) {
  return typeof message === 'string' ? message : Buffer.from(message).toString('base64');
}

/** Runs in the page. */
function exchange({ frames, answers, protocol }) {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/v1/ws`, protocol);
    const received = [];
    let opened = false;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      opened = true;
      for (const message of frames) {
        socket.send(message === 'ping' ? message : Uint8Array.from(atob(message), (c) => c.charCodeAt(0)));
      }
    };
    socket.onmessage = ({ data }) => {
      received.push([...new Uint8Array(data)]);
      if (received.length === answers) {
        resolve({ received, opened });
        socket.close();
      }
    };
    socket.onclose = ({ code }) => resolve({ received, code, opened });
  });
}
