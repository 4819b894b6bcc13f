import type { Scope } from '../api.js';
import { button, element } from './elements.js';

const SCOPES: { scope: Scope; label: string; hint: string }[] = [
  { scope: 'local', label: 'Device', hint: 'Only from this device' },
  { scope: 'remote', label: 'Server', hint: 'Only from this user’s history on the server' },
  { scope: 'both', label: 'Both', hint: 'From this device and from this user’s history on the server' },
];

let count = 0;

/** A segmented control for where to delete from. */
export class ScopeChoice {
  readonly root: HTMLElement;
  readonly #inputs: HTMLInputElement[] = [];

  /** name is the start of the controls' test ids. */
  constructor(name: string) {
    const group = `${name} ${++count}`;
    this.root = element('fieldset', { class: 'segments' }, element('legend', { class: 'unseen' }, 'Delete from'));
    for (const { scope, label, hint } of SCOPES) {
      const input = element('input', {
        type: 'radio',
        name: group,
        value: scope,
        checked: scope === 'both',
        'data-testid': `${name}-scope-${scope}`,
      });
      this.#inputs.push(input);
      this.root.append(element('label', { title: hint }, input, element('span', {}, label)));
    }
  }

  get value(): Scope {
    return (this.#inputs.find((input) => input.checked)?.value ?? 'both') as Scope;
  }
}

/** A button that asks once more in its own place before it acts. sure is what the button says that does it. */
export function confirmed(
  label: string,
  testID: string,
  question: () => string,
  act: () => Promise<void>,
  sure = 'Delete',
): HTMLElement {
  const root = element('span', { class: 'confirmed' });
  const ask = button(label, { class: 'quiet danger', 'data-testid': testID }, () => {
    root.replaceChildren(element('span', { class: 'question', role: 'alert' }, question()), no, yes);
    no.focus();
  });
  const rest = (): void => root.replaceChildren(ask);
  const no = button('Keep', { class: 'quiet', 'data-testid': `${testID}-cancel` }, () => {
    rest();
    ask.focus();
  });
  const yes = button(sure, { class: 'solid danger', 'data-testid': `${testID}-confirm` }, () => {
    rest();
    act();
  });
  root.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && no.isConnected) {
      no.click();
    }
  });
  rest();
  return root;
}
