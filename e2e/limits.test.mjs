// What is just within a limit, said twice, or unusual but right: it succeeds, whole.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Browser } from './browser.mjs';
import { Device, soon, texts } from './device.mjs';
import { Server } from './server.mjs';

test('at the limits', async (t) => {
  const server = await Server.start(t);
  const browser = await Browser.start(t, { bare: true });
  const groups = Array.from({ length: 101 }, (_, i) => `group-${i}`);
  for (const groupID of groups) {
    await server.post('/v1/groups', { groupID, members: ['me', 'other'] });
    await server.load(`GROUP${groupID}`, talk(12));
  }
  for (const user of ['one', 'two', 'three']) {
    await server.load(`C2C${user}`, talk(600, user), 'me');
  }
  const me = await Device.open(browser, { page: server.url });
  await me.login('me', await server.token('me'));
  const other = await Device.open(browser, { page: server.url });
  await other.login('other', await server.token('other'));
  const namesOf = async (user) => (await me.messages(`C2C${user}`)).map(({ ID }) => ID);

  await t.test('1 000 ids of three conversations', async () => {
    const ids = [
      ...(await namesOf('one')).slice(0, 400),
      ...(await namesOf('two')).slice(0, 400),
      ...(await namesOf('three')).slice(0, 200),
    ];
    const data = await me.call('deleteMessages', { ids });
    assert.deepEqual(data.deleted, ids);
    assert.deepEqual(data.failed, []);
    assert.equal(data.opIDs.length, 3);
    await me.settled('C2Cone', 'C2Ctwo', 'C2Cthree');
    for (const [user, left] of Object.entries({ one: 200, two: 200, three: 400 })) {
      assert.deepEqual(texts(await me.messages(`C2C${user}`)), texts(talk(600)).slice(-left));
      assert.equal((await me.remote(`C2C${user}`)).length, left);
    }
  });

  await t.test('a message named twice, by both its names, counts once', async () => {
    const [first, second] = await me.messages('C2Cone');
    const ids = [first.ID, first.ID, first.messageID, second.ID, first.ID];
    const data = await me.call('deleteMessages', { ids }, { scope: 'remote' });
    assert.deepEqual([...data.deleted].sort(), [first.ID, first.messageID, second.ID].sort());
    assert.deepEqual(data.failed, []);
    assert.equal((await me.remote('C2Cone')).length, 198);
  });

  await t.test('of several messages those that do not exist fail alone', async () => {
    const [first] = await me.messages('C2Ctwo');
    const unknown = '0123456789abcdef-1';
    const data = await me.call('deleteMessages', { ids: [unknown, first.ID] });
    assert.deepEqual(data.deleted, [first.ID]);
    assert.deepEqual(
      data.failed.map(({ id, code }) => ({ id, code })),
      [{ id: unknown, code: 90003 }],
    );
    assert.equal((await me.messages('C2Ctwo')).length, 199);
  });

  await t.test('what is deleted already is deleted with success', async () => {
    const [first] = await me.messages('C2Ctwo');
    for (let i = 0; i < 2; i++) {
      assert.deepEqual((await me.call('deleteMessages', { ids: [first.ID] })).deleted, [first.ID]);
    }
    assert.equal((await me.messages('C2Ctwo')).length, 198);
  });

  await t.test('a future time is all there is', async () => {
    await me.call('deleteMessages', { conversationID: 'C2Cthree', before: Date.UTC(2100, 0, 1) });
    assert.deepEqual(await me.messages('C2Cthree'), []);
    await me.settled('C2Cthree');
    assert.deepEqual(await me.remote('C2Cthree'), []);
    assert.ok((await me.list()).includes('C2Cthree'), 'the conversation stays');
  });

  await t.test('a conversation named twice counts once; one that does not exist fails alone', async () => {
    const conversationIDList = ['C2Cthree', 'C2Cnobody', 'C2Ctwo', 'C2Cthree'];
    const data = await me.call('deleteConversation', { conversationIDList });
    assert.deepEqual(data.conversationIDList, ['C2Cthree', 'C2Ctwo']);
    assert.deepEqual(
      data.failed.map(({ id, code }) => ({ id, code })),
      [{ id: 'C2Cnobody', code: 2500 }],
    );
  });

  await t.test('100 conversations', async () => {
    const hundred = groups.slice(0, 100).map((groupID) => `GROUP${groupID}`);
    const data = await me.call('deleteConversation', { conversationIDList: hundred });
    assert.deepEqual(data, { conversationIDList: hundred, failed: [], erasure: 'erased' });
    assert.deepEqual((await me.list()).sort(), ['C2Cone', 'GROUPgroup-100']);
    await me.settled(hundred.at(-1));
    for (const id of [hundred[0], hundred[50], hundred[99]]) {
      assert.deepEqual(await me.remote(id), []);
      assert.equal((await other.remote(id)).length, 12);
    }
  });

  for (const [what, text] of [
    ['64 KiB of text', 'x'.repeat(65536)],
    ['64 KiB of text in two-byte letters', 'é'.repeat(32768)],
  ]) {
    await t.test(what, async () => {
      const sent = await me.send('C2C', 'other', text);
      assert.equal(sent.status, 'success');
      await soon('it arrives', async () => (await other.list()).includes('C2Cme'));
      await soon('it is the newest', async () => (await other.messages('C2Cme')).at(-1).ID === sent.ID);
      assert.equal((await other.messages('C2Cme')).at(-1).text, text);
    });
  }
});

function talk(count, from = 'other') {
  return Array.from({ length: count }, (_, i) => ({ from, time: Date.UTC(2026, 0, 1) + i, text: `words ${i}` }));
}
