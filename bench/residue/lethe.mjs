// Lethe, through its public API, and the keys that stand in its file on OPFS.
import { Device, soon } from '../../e2e/device.mjs';

const SLOT = 32;

export class LetheDevice {
  #browser;
  #server;
  #device;
  /** By the id of a planted message the ID that the server gave it. */
  ids = new Map();

  constructor(browser, server) {
    this.#browser = browser;
    this.#server = server;
  }

  /** Opens its page and logs in; where the device's copy was wiped, only the page. */
  async open({ wiped = false } = {}) {
    this.#device = await Device.open(this.#browser, { page: this.#server.url });
    if (wiped) {
      await this.#device.page.evaluate(() => indexedDB.databases());
    } else {
      await this.#device.login('me', await this.#server.token('me'));
    }
  }

  /** Older history comes through the server, the last messages are sent from here. */
  async fill({ conversations }) {
    for (const { conversationID, name, other, draft, messages } of conversations) {
      const type = conversationID.startsWith('C2C') ? 'C2C' : 'GROUP';
      const target = conversationID.slice(type.length);
      if (type === 'GROUP') {
        await this.#server.post('/v1/groups', { groupID: target, name, members: ['me', other] });
      }
      await this.#server.load(
        conversationID,
        messages.filter(({ live }) => !live),
        'me',
      );
      await soon(`${conversationID} is listed`, async () => (await this.#device.list()).includes(conversationID));
      for (const { text } of messages.filter(({ live }) => live)) {
        await this.#device.send(type, target, text);
      }
      await this.#device.call('setDraft', { conversationID, draft });
      const shown = await this.#device.messages(conversationID, 1000);
      const byText = new Map(shown.map(({ text, ID }) => [text, ID]));
      for (const { id, text } of messages) {
        this.ids.set(id, byText.get(text));
      }
    }
  }

  /** Every way to delete, each awaited until the device says that it is erased. */
  async remove({ conversations }) {
    for (const way of ['whole', 'several', 'cleared', 'ids', 'older']) {
      const meant = conversations.filter((conversation) => conversation.way === way);
      const names = meant.map(({ conversationID }) => conversationID);
      const before = (await this.#device.events('ERASED')).length;
      for (const [method, ...args] of this.#deletion(way, names, meant)) {
        const { failed } = await this.#device.call(method, ...args);
        if (failed?.length > 0) {
          throw new Error(`${method} was refused: ${JSON.stringify(failed)}`);
        }
      }
      await soon(`${way}: it is erased`, async () => {
        const erased = (await this.#device.events('ERASED')).slice(before).map(({ conversationID }) => conversationID);
        return names.every((name) => erased.includes(name));
      });
      await this.#device.settled(...names);
    }
  }

  #deletion(way, names, [{ messages }]) {
    switch (way) {
      case 'whole':
        return [['deleteConversation', names[0]]];
      case 'several':
        return [['deleteConversation', { conversationIDList: names }]];
      case 'cleared':
        return [['clearHistoryMessage', names[0]]];
      case 'ids':
        return [['deleteMessages', { ids: messages.filter(({ goes }) => goes).map(({ id }) => this.ids.get(id)) }]];
      default:
        return [['deleteMessages', { conversationID: names[0], before: messages.find(({ goes }) => !goes).time }]];
    }
  }

  async wipe() {
    const { wiped } = await this.#device.call('logout', { wipe: true });
    if (!wiped) {
      throw new Error('logout did not wipe');
    }
  }

  /** The texts it still shows. */
  async texts() {
    const texts = [];
    for (const id of await this.#device.list()) {
      texts.push(...(await this.#device.messages(id, 1000)).map(({ text }) => text));
    }
    return texts;
  }

  /** The slots of its keyring that are not empty. */
  slots() {
    return readSlots(this.#device.page);
  }
}

/** The slots of all files on OPFS that are not empty: "path number" → bytes. */
export async function readSlots(page) {
  const slots = new Map();
  for (const [path, hex] of await page.evaluate(readFiles)) {
    const bytes = Buffer.from(hex, 'hex');
    for (let at = 0; at + SLOT <= bytes.length; at += SLOT) {
      const slot = bytes.subarray(at, at + SLOT);
      if (slot.some((byte) => byte !== 0)) {
        slots.set(`${path} ${at / SLOT}`, slot);
      }
    }
  }
  return slots;
}

/** Runs in the page: every file of the origin's OPFS, as [path, bytes in hex]. */
async function readFiles() {
  const files = [];
  const walk = async (directory, path) => {
    for await (const [name, entry] of directory.entries()) {
      if (entry.kind === 'directory') {
        await walk(entry, `${path}${name}/`);
      } else {
        const bytes = new Uint8Array(await (await entry.getFile()).arrayBuffer());
        files.push([path + name, Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')]);
      }
    }
  };
  await walk(await navigator.storage.getDirectory(), '');
  return files;
}
