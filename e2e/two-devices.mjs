// Two people with two devices each: four Chromium profiles, one server.
import { Browser } from './browser.mjs';
import { Device, soon } from './device.mjs';
import { Server } from './server.mjs';

export class TwoDevices {
  /** The profiles by name. */
  #profiles = new Map();
  /** By profile, the pages whose users have left. To open a page costs more than what most tests do with it. */
  #left = new Map();
  #t;
  #tolerated;

  /** Starts the server for the tests of t; options are those of Browser.start. */
  static async start(t, { tolerated } = {}) {
    const world = new TwoDevices();
    world.#t = t;
    world.#tolerated = tolerated;
    world.server = await Server.start(t);
    return world;
  }

  /**
   * A device of the user: one page on the profile of that name, which another user may have left. A profile that the user was not
   * on is a new device.
   */
  async device(profile, user) {
    const browser = this.#profiles.get(profile) ?? Browser.start(this.#t, { bare: true, tolerated: this.#tolerated });
    this.#profiles.set(profile, browser);
    const device = this.#left.get(profile)?.pop() ?? (await Device.open(await browser, { page: this.server.url }));
    device.profile = profile;
    device.user = user;
    await device.page.evaluate(() => window.events.splice(0));
    await this.login(device);
    return device;
  }

  async login(device) {
    const { connected } = await device.login(device.user, await this.server.token(device.user));
    if (!connected) {
      throw new Error(`${device.user} is not connected`);
    }
  }

  /** The users log out and leave their pages to those who come next. */
  async leave(...devices) {
    for (const device of devices.filter(({ page }) => !page.isClosed())) {
      await device.call('logout');
      const left = this.#left.get(device.profile) ?? [];
      this.#left.set(device.profile, [...left, device]);
    }
  }

  /** Loads the device's page anew, as a person does. */
  async reload(device) {
    await device.load();
    await this.login(device);
  }

  /** Both devices of both people, logged in. People are new in each test, so that nothing is left of the one before. */
  async people(a, b) {
    const [a1, a2, b1, b2] = await Promise.all([
      this.device('a, first', a),
      this.device('a, second', a),
      this.device('b, first', b),
      this.device('b, second', b),
    ]);
    const all = [a1, a2, b1, b2];
    return { a1, a2, b1, b2, all, close: () => this.leave(...all) };
  }
}

/** Waits until the device shows these texts of a conversation, no others; a recalled message is written as null. */
export async function shows(device, conversationID, expected) {
  let shown;
  await soon(`${device.user} sees ${JSON.stringify(expected)}`, async () => {
    shown = await textsShown(device, conversationID);
    return JSON.stringify(shown) === JSON.stringify(expected);
  }).catch((late) => {
    throw new Error(`${late.message}; it is ${JSON.stringify(shown)}`);
  });
}

/** The texts that the device shows of a conversation, null for recalled ones. */
export async function textsShown(device, conversationID) {
  return (await wholeMessages(device, conversationID)).map(said);
}

/** The texts that the server's history has for the user, null for recalled ones. */
export async function textsAtServer(device, conversationID) {
  return (await wholeMessages(device, conversationID, 'fetchRemoteHistory')).map(said);
}

function said({ isRevoked, payload }) {
  return isRevoked ? null : payload.text;
}

/** Everything as the API gives it; tests have few messages. */
export async function wholeMessages(device, conversationID, method = 'getMessageList') {
  const { messageList, isCompleted } = await device.call(method, { conversationID, count: 500 });
  if (!isCompleted) {
    throw new Error('more messages than a test has');
  }
  return messageList;
}

/** What a call was refused with: its code, 0 if it was not refused. */
export async function codeOf(call) {
  try {
    await call;
    return 0;
  } catch ({ code, message }) {
    if (typeof code !== 'number') {
      throw new Error(message);
    }
    return code;
  }
}

/** Sends a text as an app does, if need be one that quotes a message; rejects with a Refusal. */
export async function say(device, conversationType, to, text, quote) {
  const options = { to, conversationType, payload: { text }, quote };
  const made = await device.page.evaluate((given) => window.chat.createTextMessage(given), options);
  return (await device.call('sendMessage', made)).message;
}

/** A day of talk that was a number of days ago: texts are the given ones, a second apart. */
export function talkOf(from, daysAgo, ...texts) {
  const start = Date.now() - daysAgo * 86_400_000;
  return texts.map((text, i) => ({ from, text, time: Math.floor(start + i * 1000) }));
}

/** Waits for one event of a name on each device, that is as wanted, and gives what it carries. */
export async function oneEach(name, devices, wanted) {
  const found = [];
  for (const device of devices) {
    await soon(`${name} on a device of ${device.user}`, async () => (await device.events(name)).some(wanted));
    found.push((await device.events(name)).filter(wanted));
  }
  return found;
}
