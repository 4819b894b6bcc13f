// The server's files: what all members have deleted, or what expired, is soon in none of them; what one still has is.
import { setTimeout as wait } from 'node:timers/promises';
import { markNeedles, Needles } from './needles.mjs';
import { search } from './search.mjs';

/** How long the server may take. */
const PATIENCE = 90_000;

export class ServerFiles {
  rows = [];
  #server;

  constructor(server) {
    this.#server = server;
  }

  /** Follows the device: after its deletions the others delete too, all but one; after its wipe everything expires. */
  async follow(step, planted, device) {
    const texts = (meant) =>
      planted.conversations.flatMap((c) => c.messages.filter((m) => meant(m, c)).map(({ mark }) => mark));
    const kept = planted.conversations.findLast(({ way }) => way === 'several');
    if (step === 'deleted') {
      const gone = texts(({ goes }, conversation) => goes && conversation !== kept);
      const stays = texts(({ goes }, conversation) => !goes || conversation === kept);
      await this.#examine('deleted by all members', gone, stays, async () => {
        for (const conversation of planted.conversations.filter((c) => c !== kept)) {
          await this.#othersDelete(conversation, device.ids);
        }
      });
    } else {
      const old = ({ live }) => !live;
      await this.#examine(
        'expired',
        texts((message, conversation) => old(message) && (!message.goes || conversation === kept)),
        [],
        () => this.#server.settings({ 'cloudHistory.retentionDays': 2 }),
      );
    }
  }

  async #othersDelete({ way, conversationID, other, messages }, ids) {
    const gone = messages.filter(({ goes }) => goes);
    if (gone.length === 0) {
      return;
    }
    const what = {
      ids: { messages: gone.map(({ id }) => ids.get(id)) },
      older: { before: messages.find(({ goes }) => !goes)?.time },
    };
    await this.#server.post('/v1/clear', {
      as: other,
      conversationID: conversationID.startsWith('C2C') ? 'C2Cme' : conversationID,
      scope: 'user',
      ...(what[way] ?? { all: true }),
    });
  }

  async #examine(step, gone, stays, remove) {
    const look = (marks) => search(this.#server.data, new Needles(markNeedles(marks))).found.size;
    const row = { step, planted: gone.length, stays: stays.length, moments: { before: look(gone) } };
    const start = performance.now();
    await remove();
    while (look(gone) > 0 && performance.now() - start < PATIENCE) {
      await wait(100);
    }
    row.seconds = (performance.now() - start) / 1000;
    row.moments['at once'] = look(gone);
    row.kept = look(stays);
    row.log = gone.filter((mark) => this.#server.log.includes(mark)).length;
    await this.#server.stop();
    row.moments.closed = look(gone);
    await this.#server.start();
    row.moments.reopened = look(gone);
    this.rows.push(row);
  }
}
