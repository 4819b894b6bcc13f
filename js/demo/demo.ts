import { element } from './elements.js';
import { Pane } from './pane.js';

// The demo: two people side by side, each with a chat (core, worker, database) of their own. ?users=a,b names others.

const panes = document.getElementById('panes') as HTMLElement;
const named = new URLSearchParams(location.search).get('users');
const users = (named ?? 'userA,userB').split(',').filter((user) => user !== '');

for (const userID of users) {
  const place = element('section', { class: 'pane loading', 'aria-busy': 'true' }, element('p', {}, `${userID} …`));
  panes.append(place);
  begin(userID, place).catch((thrown) => {
    place.removeAttribute('aria-busy');
    place.replaceChildren(element('p', { class: 'error', role: 'alert' }, `${userID}: ${thrown}`));
  });
}

async function begin(userID: string, place: HTMLElement): Promise<void> {
  const [chat, token] = await Promise.all([Lethe.create({ url: location.origin }), devToken(userID)]);
  const pane = new Pane(chat, userID);
  place.replaceWith(pane.root);
  await pane.start(token);
}

async function devToken(userID: string): Promise<string> {
  const response = await fetch(`/v1/dev/token?user=${encodeURIComponent(userID)}`);
  if (!response.ok) {
    throw new Error('no token; start the server with lethe serve --dev');
  }
  return ((await response.json()) as { token: string }).token;
}
