import { element } from './elements.js';
import { Pane } from './pane.js';

// The demo: two people side by side, each with a device (chat, core, worker, database) of their own, and each with a second
// one that can be switched on. ?users=a,b names others.

const panes = document.getElementById('panes') as HTMLElement;
const named = new URLSearchParams(location.search).get('users');
const users = (named ?? 'userA,userB').split(',').filter((user) => user !== '');

/** A device's database goes by its server's address. Another spelling of the same one makes it another device. */
const FIRST = location.origin;
const SECOND = `${location.origin}/second/..`;

for (const userID of users) {
  const place = element('div', { class: 'person' });
  panes.append(place);
  add(place, userID, FIRST, secondDevice(userID, place));
}

/** Adds a device to its person's place. Resolves to what takes it away again. */
async function add(place: HTMLElement, userID: string, url: string, ...switches: HTMLElement[]): Promise<() => void> {
  const waiting = element('section', { class: 'pane loading', 'aria-busy': 'true' }, element('p', {}, `${userID} …`));
  place.append(waiting);
  try {
    const [chat, token] = await Promise.all([Lethe.create({ url }), devToken(userID)]);
    const pane = new Pane(chat, userID, url === SECOND, ...switches);
    waiting.replaceWith(pane.root);
    await pane.start(token);
    return () => {
      chat.destroy();
      pane.root.remove();
    };
  } catch (thrown) {
    waiting.removeAttribute('aria-busy');
    waiting.replaceChildren(element('p', { class: 'error', role: 'alert' }, `${userID}: ${thrown}`));
    return () => waiting.remove();
  }
}

/** The switch for a person's second device. Switched off it is away, and keeps its database. */
function secondDevice(userID: string, place: HTMLElement): HTMLElement {
  const box = element('input', { type: 'checkbox', role: 'switch', 'data-testid': 'second-device' });
  let takeAway = (): void => {};
  box.addEventListener('change', async () => {
    box.disabled = true;
    if (box.checked) {
      takeAway = await add(place, userID, SECOND);
    } else {
      takeAway();
    }
    box.disabled = false;
  });
  return element('label', { class: 'switch' }, 'Second device', box);
}

async function devToken(userID: string): Promise<string> {
  const response = await fetch(`/v1/dev/token?user=${encodeURIComponent(userID)}`);
  if (!response.ok) {
    throw new Error('no token; start the server with lethe serve --dev');
  }
  return ((await response.json()) as { token: string }).token;
}
