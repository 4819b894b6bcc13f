import type { DeleteMessagesResult } from '../api.js';
import { confirmed, ScopeChoice } from './choices.js';
import { button, element } from './elements.js';
import { inputTime } from './times.js';

/** What a person can do to the open conversation. Each resolves when it was done and told. */
export interface Deletions {
  clearHistory(): Promise<void>;
  deleteConversation(keepHistory: boolean): Promise<void>;
  deleteBefore(time: number, scope: ScopeChoice['value']): Promise<void>;
  deleteSelected(scope: ScopeChoice['value']): Promise<void>;
  recallSelected(): Promise<void>;
}

/** The panel for deletions of a whole conversation and by time. */
export function deletionPanel(deletions: Deletions): HTMLElement {
  const keep = element('input', { type: 'checkbox', 'data-testid': 'keep-history' });
  const time = element('input', {
    type: 'datetime-local',
    step: '1',
    'aria-label': 'Before this time',
    'data-testid': 'before-time',
    value: inputTime(Date.now()),
  });
  const scope = new ScopeChoice('time');
  return element(
    'div',
    { class: 'deletions', hidden: true, 'data-testid': 'deletions' },
    element(
      'div',
      {},
      element(
        'p',
        {},
        element('b', {}, 'Clear the history'),
        ' All messages, on the device and the server. The conversation stays.',
      ),
      confirmed('Clear', 'clear-history', () => 'All messages?', deletions.clearHistory),
    ),
    element(
      'div',
      {},
      element(
        'p',
        {},
        element('b', {}, 'Delete the conversation'),
        ' It leaves the list, with its messages. ',
        element('label', { class: 'option' }, keep, 'Keep the messages'),
      ),
      confirmed(
        'Delete',
        'delete-conversation',
        () => (keep.checked ? 'From the list?' : 'With all messages?'),
        () => deletions.deleteConversation(keep.checked),
      ),
    ),
    element(
      'div',
      {},
      element(
        'div',
        {},
        element('b', {}, 'Delete messages before'),
        element('div', { class: 'limits' }, time, scope.root),
      ),
      confirmed(
        'Delete',
        'delete-before',
        () => 'All before that?',
        () =>
          deletions.deleteBefore(time.valueAsNumber + new Date(time.value).getTimezoneOffset() * 60_000, scope.value),
      ),
    ),
  );
}

/** The bar that stands in for the composer while messages are selected. */
export class SelectionBar {
  readonly root: HTMLElement;
  readonly #count = element('b', { 'data-testid': 'selected-count' });
  readonly #recall: HTMLElement;
  readonly #delete: HTMLElement[];

  constructor(deletions: Deletions, cancel: () => void) {
    const scope = new ScopeChoice('selection');
    this.#recall = confirmed('Recall', 'recall-selected', () => 'From everybody?', deletions.recallSelected, 'Recall');
    const remove = confirmed(
      'Delete',
      'delete-selected',
      () => 'Delete them?',
      () => deletions.deleteSelected(scope.value),
    );
    this.#delete = [scope.root, remove];
    this.root = element(
      'div',
      { class: 'selection', hidden: true, 'data-testid': 'selection' },
      element('span', {}, this.#count, ' selected'),
      scope.root,
      this.#recall,
      remove,
      button('Cancel', { class: 'quiet', 'data-testid': 'selection-cancel' }, cancel),
    );
  }

  /** What of the selected messages can be done: a room's are not deleted, others' are not recalled. */
  show(count: number, can: { delete: boolean; recall: boolean }): void {
    this.root.hidden = count === 0;
    this.#count.textContent = String(count);
    this.#recall.hidden = !can.recall;
    for (const control of this.#delete) {
      control.hidden = !can.delete;
    }
  }
}

/** A deletion's result in words. */
export function told({ deleted, failed, erasure, server }: DeleteMessagesResult): string {
  const onDevice = {
    none: 'kept on the device',
    hidden: 'hidden on the device',
    erased: 'erased from the device',
    removed: 'gone from the device',
  };
  const atServer = {
    none: 'kept on the server',
    pending: 'waiting for the server',
    acknowledged: 'gone from the server',
  };
  const words = [
    `${deleted.length} deleted`,
    onDevice[erasure as keyof typeof onDevice] ?? erasure,
    atServer[server as keyof typeof atServer] ?? server,
  ];
  if (failed.length > 0) {
    words.push(`${failed.length} refused: ${failed[0]?.message}`);
  }
  return words.join(', ');
}
