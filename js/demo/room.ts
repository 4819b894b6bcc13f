import { avatar, button, element } from './elements.js';

/** The room that lethe serve --demo makes. */
export const LOBBY = 'lobby';

/** The row that stands below the list while this device is not in the room; hidden until that is known. */
export function roomRow(join: () => Promise<void>): HTMLElement {
  return element(
    'div',
    { class: 'room', hidden: true },
    avatar(LOBBY),
    element(
      'span',
      { class: 'summary' },
      element('span', { class: 'name' }, LOBBY),
      element('span', { class: 'preview' }, 'A room, of the moment'),
    ),
    button('Join', { class: 'quiet', 'data-testid': 'join-room' }, join),
  );
}
