// Pages on which a vendor's face is used, each beside a tab of the same device with Lethe's own chat, which looks.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { transform } from 'esbuild';
import { readDatabases } from './database.mjs';
import { Device, soon } from './device.mjs';
import { ROOT } from './server.mjs';

const SEEDS = join(ROOT, '../shared/seeds');

/** A page with Lethe.tencent's chat as `chat`, its events in `events`, logged in if a user is named. */
export async function tencentPage(browser, server, user) {
  const page = await browser.newPage();
  await page.goto(server.url);
  await page.evaluate(
    async ([userID, userSig]) => {
      window.TencentCloudChat = Lethe.tencent.TencentCloudChat;
      window.chat = TencentCloudChat.create({ SDKAppID: 1400000000 });
      window.events = [];
      for (const name of Object.values(TencentCloudChat.EVENT)) {
        window.chat.on(name, (event) => window.events.push(event));
      }
      if (userID) {
        await window.chat.login({ userID, userSig });
      }
    },
    user ? [user, await server.token(user)] : [],
  );
  return page;
}

/** A page with Lethe.rongcloud's names as globals and its engine as `engine`, connected if a user is named. */
export async function rongcloudPage(browser, server, user) {
  const page = await browser.newPage();
  await page.goto(server.url);
  await page.evaluate(
    async (token) => {
      Object.assign(window, Lethe.rongcloud);
      window.engine = IMEngine.getInstance();
      window.named = (conversationType, targetId) =>
        Object.assign(new ConversationIdentifier(), { conversationType, targetId });
      await window.engine.init({});
      if (token) {
        const { code, msg } = await window.engine.connect(token);
        if (code !== EngineError.Success) {
          throw new Error(`connect: ${code} ${msg}`);
        }
      }
    },
    user && (await server.token(user)),
  );
  return page;
}

/** A tab of the same browser, so of the same device of that user, with Lethe's own chat. */
export async function beside(browser, server, user) {
  const device = await Device.open(browser, { page: server.url });
  await device.login(user, await server.token(user));
  return device;
}

/** Waits until the rows that messages with these messageIDs' ordinal had are gone from IndexedDB. */
export function rowsGone(device, ordinal) {
  return soon(`the rows of ${ordinal} are gone`, async () => !(await readDatabases(device.page)).ordinals[ordinal]);
}

/** The documents; nothing where ../shared is missing. */
function documents() {
  return existsSync(SEEDS) ? readdirSync(SEEDS).map((name) => readFileSync(join(SEEDS, name), 'utf8')) : [];
}

/**
 * The Tencent document's code blocks. Each says in the comment above it whether the history is kept (不清空) or cleared
 * (清空).
 */
export function tencentSnippets() {
  const document = documents().find((text) => text.includes('chat.deleteConversation(')) ?? '';
  const blocks = document.matchAll(/^\s*\/\/[^\n]*\n\s*let promise = [\s\S]*?\.catch\([\s\S]*?\n\s*\}\);/gm);
  return [...blocks].map(([code]) => ({
    code,
    named: [...new Set(code.match(/C2CExample|GROUPExample/g))],
    keeps: code.trim().split('\n')[0].includes('不清空'),
  }));
}

/** The RongCloud document's code blocks, by the call that each makes; ArkTS is TypeScript, so it is transpiled. */
export async function rongcloudSnippets() {
  const document = documents().find((text) => text.includes('IMEngine.getInstance()')) ?? '';
  const blocks = document.matchAll(/^ *let (?:idList|conId) = [\s\S]*?^ *\}\);?$/gm);
  const snippets = {};
  for (const [source] of blocks) {
    const [, call] = /IMEngine\.getInstance\(\)\.(\w+)\(/.exec(source);
    snippets[call] = { source, code: (await transform(source, { loader: 'ts' })).code };
  }
  return snippets;
}
