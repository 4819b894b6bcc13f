// The ways to delete, each with what it should leave. A chat is {id, talk, held, local, remote, listed}: the messages as
// loaded and as the device has shown them, the seqs that are left on the device and on the server, and whether the list
// has it. run(device, chats) deletes and takes away from the sets what should be gone.
import assert from 'node:assert/strict';

const SURFACES = { local: ['local'], remote: ['remote'], both: ['local', 'remote'] };

function expectGone(chat, scope, isGone) {
  let gone = 0;
  for (const surface of SURFACES[scope]) {
    const before = chat[surface].size;
    chat[surface] = new Set([...chat[surface]].filter((seq) => !isGone(chat.talk[seq - 1], seq)));
    gone = before - chat[surface].size;
  }
  assert.ok(gone > 0, `${chat.id}: there is something to delete`);
}

function everything() {
  return true;
}

/** What a DeleteMessagesResult must say. */
function checkResult(data, scope, deleted, operations) {
  assert.deepEqual(data.deleted, deleted);
  assert.deepEqual(data.failed, []);
  assert.equal(data.opIDs.length, operations);
  assert.equal(data.opID, data.opIDs[0]);
  assert.equal(data.server, { local: 'none', remote: 'acknowledged', both: 'pending' }[scope]);
  assert.ok((scope === 'remote' ? ['none'] : ['hidden', 'erased']).includes(data.erasure), data.erasure);
}

const SCOPES = ['local', 'remote', 'both'];

const whole = [
  {
    name: 'deleteConversation(id)',
    chats: 1,
    run: async (device, [chat]) => {
      const data = await device.call('deleteConversation', chat.id);
      assert.deepEqual(data, { conversationID: chat.id, erasure: 'erased' });
      expectGone(chat, 'both', everything);
      chat.listed = false;
    },
  },
  {
    name: 'deleteConversation of three',
    chats: 3,
    run: async (device, chats) => {
      const conversationIDList = chats.map(({ id }) => id);
      const data = await device.call('deleteConversation', { conversationIDList });
      assert.deepEqual(data, { conversationIDList, failed: [], erasure: 'erased' });
      for (const chat of chats) {
        expectGone(chat, 'both', everything);
        chat.listed = false;
      }
    },
  },
  {
    name: 'deleteConversation that keeps the history',
    chats: 1,
    run: async (device, [chat]) => {
      await device.call('deleteConversation', { conversationIDList: [chat.id], clearHistoryMessage: false });
      chat.listed = false;
    },
  },
  {
    name: 'clearHistoryMessage',
    chats: 1,
    run: async (device, [chat]) => {
      const data = await device.call('clearHistoryMessage', chat.id);
      assert.deepEqual(data, { conversationID: chat.id, erasure: 'erased' });
      expectGone(chat, 'both', everything);
    },
  },
  ...SCOPES.map((scope) => ({
    name: `deleteMessages of a whole conversation, ${scope}`,
    chats: 1,
    run: async (device, [chat]) => {
      const data = await device.call('deleteMessages', { conversationID: chat.id }, { scope });
      checkResult(data, scope, [chat.id], 1);
      expectGone(chat, scope, everything);
    },
  })),
];

const byTime = SCOPES.map((scope) => ({
  name: `deleteMessages before a time, ${scope}`,
  chats: 1,
  run: async (device, [chat]) => {
    const before = chat.talk[Math.floor(chat.talk.length * 0.6)].time;
    const data = await device.call('deleteMessages', { conversationID: chat.id, before }, { scope });
    checkResult(data, scope, [chat.id], 1);
    expectGone(chat, scope, ({ time }) => time < before);
  },
}));

const upTo = {
  name: 'deleteMessages up to a seq, both',
  chats: 1,
  run: async (device, [chat]) => {
    const limit = Math.floor(chat.talk.length / 2);
    const data = await device.call('deleteMessages', { conversationID: chat.id, upTo: limit });
    checkResult(data, 'both', [chat.id], 1);
    expectGone(chat, 'both', (_, seq) => seq <= limit);
  },
};

const byIDs = SCOPES.map((scope) => ({
  name: `deleteMessages by ids, ${scope}`,
  chats: 1,
  run: async (device, [chat]) => {
    const chosen = chat.held.filter(({ seq }) => seq % 3 === 1 || seq === chat.talk.length);
    // The two names of a message, mixed.
    const ids = chosen.map(({ ID, messageID }, i) => (i % 2 ? ID : messageID));
    const data = await device.call('deleteMessages', { ids }, { scope });
    checkResult(data, scope, ids, 1);
    const gone = new Set(chosen.map(({ seq }) => seq));
    expectGone(chat, scope, (_, seq) => gone.has(seq));
  },
}));

const thousand = {
  name: 'deleteMessages by 1 000 ids of four conversations, both',
  chats: 4,
  run: async (device, chats) => {
    const chosen = chats.map(({ held }) => held.filter(({ seq }) => seq % 2 === 0).slice(-250));
    const ids = chosen.flat().map(({ ID }) => ID);
    // In an order of their own: not one conversation after the other.
    ids.sort((a, b) => (a.slice(-3) + a < b.slice(-3) + b ? -1 : 1));
    assert.equal(ids.length, 1000);
    const data = await device.call('deleteMessages', { ids }, { scope: 'both' });
    checkResult({ ...data, deleted: [...data.deleted].sort() }, 'both', [...ids].sort(), 4);
    for (const [i, chat] of chats.entries()) {
      const gone = new Set(chosen[i].map(({ seq }) => seq));
      expectGone(chat, 'both', (_, seq) => gone.has(seq));
    }
  },
};

const byObjects = [
  {
    name: 'deleteMessage(messageList)',
    chats: 1,
    run: async (device, [chat]) => {
      const deleted = await device.page.evaluate(async (conversationID) => {
        const { data: page } = await window.chat.getMessageList({ conversationID, count: 300 });
        const { data } = await window.chat.deleteMessage(page.messageList);
        return data.messageList.map(({ seq }) => seq);
      }, chat.id);
      assert.deepEqual(
        deleted,
        chat.held.slice(-300).map(({ seq }) => seq),
      );
      expectGone(chat, 'both', (_, seq) => deleted.includes(seq));
    },
  },
  {
    name: 'deleteMessages by message objects, local',
    chats: 1,
    run: async (device, [chat]) => {
      const oldest = chat.held.slice(0, 700);
      const data = await device.call('deleteMessages', { messages: oldest }, { scope: 'local' });
      checkResult(
        data,
        'local',
        oldest.map(({ ID }) => ID),
        1,
      );
      expectGone(chat, 'local', (_, seq) => seq <= 700);
    },
  },
];

/** All the ways, one after the other, each on chats of its own. */
export const plan = [...whole, ...byTime, upTo, ...byIDs, thousand, ...byObjects];
