// One page with one chat: a device of a user, driven through the public API only.
import { setTimeout as wait } from 'node:timers/promises';

/** What a call rejected with, as the page saw it. */
export class Refusal extends Error {
  constructor({ name, code, message, retryable, isError, isLetheError }) {
    super(`${name} (${code}): ${message}`);
    Object.assign(this, { name, code, said: message, retryable, isError, isLetheError });
  }
}

export class Device {
  /** Opens a page of the browser and makes a chat in it. page is where it comes from, url the chat's server. */
  static async open(browser, { page: address, url = address, ...options }) {
    const device = new Device();
    device.page = await browser.newPage();
    device.address = address;
    device.options = { url, ...options };
    await device.load();
    return device;
  }

  /** Loads the page, or loads it again, and makes a chat. */
  async load() {
    await this.page.goto(this.address);
    await this.page.evaluate(async (options) => {
      window.chat = await Lethe.create(options);
      window.events = [];
      for (const name of Object.values(Lethe.EVENT)) {
        window.chat.on(name, ({ data }) => window.events.push({ name, data }));
      }
    }, this.options);
  }

  /**
   * Calls a method of the chat; resolves to its data, rejects with a Refusal. What may be long comes from the page as JSON, here and
   * below: of values playwright checks each one several times, which was half of the time of the test with most of them.
   */
  async call(method, ...args) {
    const { data, refusal } = await this.page.evaluate(
      async ([name, given]) => {
        try {
          return { data: JSON.stringify((await window.chat[name](...given)).data) };
        } catch (thrown) {
          const { name: errorName, code, message, retryable } = thrown;
          const isError = thrown instanceof Error;
          const isLetheError = thrown instanceof Lethe.LetheError;
          return { refusal: { name: errorName, code, message, retryable, isError, isLetheError } };
        }
      },
      [method, args],
    );
    if (refusal) {
      throw new Refusal(refusal);
    }
    return data && JSON.parse(data);
  }

  login(userID, token) {
    return this.call('login', { userID, token });
  }

  /** Sends a text as an app does. */
  send(conversationType, to, text) {
    return this.page.evaluate(
      async ([type, recipient, words]) => {
        const message = window.chat.createTextMessage({
          to: recipient,
          conversationType: type,
          payload: { text: words },
        });
        return (await window.chat.sendMessage(message)).data.message;
      },
      [conversationType, to, text],
    );
  }

  /** Everything this device shows of a conversation, oldest first. */
  messages(conversationID, count = 500) {
    return this.#pageThrough('getMessageList', conversationID, count);
  }

  /** Everything the server shows this user of a conversation, oldest first. */
  remote(conversationID, count = 500) {
    return this.#pageThrough('fetchRemoteHistory', conversationID, count);
  }

  async #pageThrough(method, conversationID, count) {
    const all = await this.page.evaluate(
      async ([name, id, size]) => {
        const pages = [];
        for (let next = ''; ; ) {
          const { data } = await window.chat[name]({ conversationID: id, count: size, nextReqMessageID: next });
          if (data.messageList.length > size) {
            throw new Error(`${name}: ${data.messageList.length} messages where ${size} were asked for`);
          }
          pages.unshift(data.messageList);
          next = data.nextReqMessageID;
          if (data.isCompleted) {
            const shown = pages.flat().map(({ ID, messageID, seq, from, sentTime, status, flow, payload }) => ({
              ID,
              messageID,
              seq,
              from,
              sentTime,
              status,
              flow,
              text: payload.text,
            }));
            return JSON.stringify(shown);
          }
          if (next === '') {
            throw new Error(`${name}: neither completed nor a next page`);
          }
        }
      },
      [method, conversationID, count],
    );
    return JSON.parse(all);
  }

  /** The listed conversationIDs, newest first. */
  async list() {
    const { conversationList } = await this.call('getConversationList');
    return conversationList.map(({ conversationID }) => conversationID);
  }

  /** The data of the events of one name so far. */
  events(name) {
    return this.page.evaluate((wanted) => window.events.filter((e) => e.name === wanted).map((e) => e.data), name);
  }

  /** Waits until nothing is owed to the server for these conversations. */
  async settled(...conversationIDs) {
    for (const id of conversationIDs) {
      await soon(`nothing is owed for ${id}`, async () => (await this.call('inspectConversation', id)).outbox === 0);
    }
  }

  /** Lets it connect again, and waits until it has. */
  async online() {
    const times = async () =>
      (await this.events('NET_STATE_CHANGE')).filter(({ state }) => state === 'connected').length;
    const before = await times();
    await this.call('setOnline', true);
    await soon('it is connected again', async () => (await times()) > before);
  }

  close() {
    return this.page.close();
  }
}

/** Waits until a condition holds. The longer that takes, the less often it asks, which costs browser and node their time. */
export async function soon(what, condition, patience = 15_000) {
  const begun = Date.now();
  while (!(await condition())) {
    const waited = Date.now() - begun;
    if (waited > patience) {
      throw new Error(`not within ${patience} ms: ${what}`);
    }
    await wait(Math.min(15 + waited / 10, 150));
  }
}

/** The texts of messages. */
export function texts(messages) {
  return messages.map(({ text }) => text);
}
