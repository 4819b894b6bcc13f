type Child = Node | string;

/** Makes an element. Children that are strings become text, never markup. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | boolean> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) {
      made.setAttribute(name, value === true ? '' : value);
    }
  }
  made.append(...children);
  return made;
}

/** A button that does something. */
export function button(
  label: string,
  attributes: Record<string, string | boolean>,
  act: () => void,
): HTMLButtonElement {
  const made = element('button', { type: 'button', ...attributes }, label);
  made.addEventListener('click', act);
  return made;
}

/** A person's or group's initial on a colour that belongs to the name. */
export function avatar(name: string): HTMLElement {
  let hue = 0;
  for (const character of name) {
    hue = (hue * 31 + (character.codePointAt(0) ?? 0)) % 360;
  }
  const initial = [...name.replace(/^[^\p{L}\p{N}]+/u, '')].at(0) ?? '·';
  const made = element('span', { class: 'avatar', 'aria-hidden': 'true' }, initial.toUpperCase());
  made.style.setProperty('--hue', String(hue));
  return made;
}
