// The work that is measured, one visit after the other. Each visit starts a browser, and waits until it is quiet before
// whatever is timed.

/** The samples of a visit's deletions: a time counts when the counts afterwards are right. */
class Deletions {
  constructor(candidate, visit, samples) {
    Object.assign(this, { candidate, visit, samples });
  }

  /** Deletes when ready; expected is what must be left then, by conversation. Afterwards all is quiet again. */
  async time(work, expected, call, ready = () => this.visit.do('settle')) {
    const { candidate, visit, samples } = this;
    await ready();
    const { time } = await call();
    const after = await visit.call('finished');
    await visit.call('delivered');
    await visit.do('settle');
    for (const [conversationID, messages] of Object.entries(expected)) {
      const { value } = await visit.call('count', conversationID);
      if (value !== messages) {
        samples.fault(work, candidate, `${conversationID} has ${value} messages instead of ${messages}`);
        return undefined;
      }
    }
    samples.add(work, candidate, time);
    for (const [name, at] of Object.entries(after ?? {})) {
      samples.add(`${work}: ${name}`, candidate, at);
    }
    return time;
  }

  conversation(work, conversationID, ready) {
    const call = () => this.visit.call('deleteConversation', conversationID);
    return this.time(work, { [conversationID]: 0 }, call, ready);
  }

  /** The page's longest hold-up since the last time. */
  async page(phase) {
    this.samples.add(`page: ${phase}`, this.candidate, await this.visit.do('longest'));
  }
}

/** Does work(visit, deletions) in a visit of its own, which ends however that goes. */
async function visiting(candidate, samples, from, work, options) {
  const visit = await candidate.visit(from, options);
  try {
    return await work(visit, new Deletions(candidate, visit, samples));
  } finally {
    await visit.close();
  }
}

/** Inserts the big conversation into an empty database and, for the first round, all others, to be kept for the visits below. */
export async function insert(candidate, plan, samples, all) {
  await visiting(candidate, samples, 'empty', async (visit, deletions) => {
    await visit.call('insert', plan.spares[0], 1);
    await visit.do('settle');
    await visit.do('longest');
    const { time, value } = await visit.call('insert', plan.bigID, plan.big);
    // Nothing is awaited before this one: the browser still writes and compacts.
    const strict = await visit.call('deleteConversation', plan.spares[0]);
    await deletions.page('insert');
    await visit.call('finished');
    const counted = (await visit.call('count', plan.bigID)).value;
    if (value === plan.big && counted === plan.big) {
      samples.add('insert', candidate, time);
      samples.add('after insert', candidate, strict.time);
    } else {
      samples.fault('insert', candidate, `${counted} of ${plan.big} messages are there, ${value} went in`);
    }
    if (all) {
      for (const { id, messages } of plan.conversations) {
        if (id !== plan.spares[0] && id !== plan.bigID) {
          await visit.call('insert', id, messages);
        }
      }
      await visit.do('settle');
    }
  });
  if (all) {
    await candidate.keep();
  }
}

/** Reading, and deleting parts. */
export async function parts(candidate, plan, samples) {
  await visiting(candidate, samples, 'kept', async (visit, deletions) => {
    if (visit.opened.value === plan.list) {
      samples.add('list', candidate, visit.opened.time);
    } else {
      samples.fault('list', candidate, `${visit.opened.value} conversations instead of ${plan.list}`);
    }
    await deletions.page('start');
    await visit.do('settle');
    for (const time of await visit.do('newest', plan.bigID, 50, plan.pages)) {
      samples.add('newest', candidate, time);
    }
    await deletions.page('newest');
    const { conversations, each } = plan.ids;
    const picked = plan.smalls.slice(0, conversations);
    const left = Object.fromEntries(picked.map((id) => [id, plan.small.messages - each]));
    await deletions.time('ids', left, () => visit.do('deletePicked', picked, each));
    await deletions.time('half', { [plan.bigID]: plan.big - plan.big / 2 }, () =>
      visit.call('deleteOlder', plan.bigID, plan.halfTime),
    );
    await deletions.page('deletions in parts');
  });
}

/** Deleting conversations of every size, and what the disk says. */
export async function wholes(candidate, plan, samples) {
  await visiting(candidate, samples, 'kept', async (visit, deletions) => {
    samples.add('disk: filled', candidate, candidate.disk() / 1e6);
    await deletions.page('start');
    await deletions.conversation('warm-up', plan.spares[1]);
    for (const { id, messages } of plan.growing) {
      await deletions.conversation(`conversation of ${messages}`, id);
    }
    await deletions.conversation('conversation', plan.bigID);
    await deletions.time('conversations', Object.fromEntries(plan.smalls.map((id) => [id, 0])), () =>
      visit.call('deleteConversations', plan.smalls),
    );
    await deletions.page('deletions of conversations');
    samples.add('disk: deleted', candidate, candidate.disk() / 1e6);
  });
  samples.add('disk: closed', candidate, candidate.disk() / 1e6);
}

/** Reading another conversation while the big one is deleted. */
export async function meanwhile(candidate, plan, samples) {
  await visiting(candidate, samples, 'kept', async (visit, deletions) => {
    await visit.do('newest', plan.smalls[0], 50, 3);
    await deletions.time('wait', { [plan.bigID]: 0 }, () => visit.do('deleteWhileReading', plan.bigID, plan.smalls[0]));
  });
}

/** The big conversation as the first that a fresh browser deletes. */
export async function first(candidate, plan, samples) {
  await visiting(candidate, samples, 'kept', async (visit, deletions) => {
    // To wait until the browser is quiet takes commits, which would be the first ones.
    await deletions.conversation('first of a browser', plan.bigID, () => visit.do('pause', 1000));
  });
}

/** A million, beside the small ones: what went through the core's memory, and how long deleting it takes. */
export async function million(candidate, plan, samples) {
  await visiting(
    candidate,
    samples,
    'empty',
    async (visit) => {
      for (const id of [...plan.spares, ...plan.smalls]) {
        await visit.call('insert', id, plan.conversations.find((c) => c.id === id).messages);
      }
      const { time, value } = await visit.call('insert', plan.millionID, plan.million);
      await visit.do('settle');
      if (candidate.watchable) {
        samples.add('memory', candidate, (await visit.memory()) / 1e6); // before the counting, which reads all at once
      }
      const counted = (await visit.call('count', plan.millionID)).value;
      if (value !== plan.million || counted !== plan.million) {
        throw new Error(`${counted} of ${plan.million} messages are there, ${value} went in`);
      }
      samples.add('insert million', candidate, time);
    },
    { watched: true },
  );
  await visiting(candidate, samples, 'left', async (_, deletions) => {
    await deletions.conversation('warm-up', plan.spares[0]);
    const small = await deletions.conversation('million: small beside', plan.smalls[0]);
    const large = await deletions.conversation('million', plan.millionID);
    if (small && large) {
      samples.add('growth', candidate, large / small);
    }
  });
}
