// The demo page as a person uses it: what one deletes leaves their device and history, and the other keeps theirs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Browser } from './browser.mjs';
import { readDatabases } from './database.mjs';
import { soon } from './device.mjs';
import { ROOT, Server } from './server.mjs';

const MARKER = 'K7Q2ZX9WJ4VB8YH5TD3M';

test('the demo page', async (t) => {
  const server = await Server.start(t, { web: ROOT, options: ['--demo'] });
  const browser = await Browser.start(t);
  const page = await browser.newPage();
  await page.goto(server.url);
  const pane = (user) => page.getByTestId(`pane-${user}`);
  const open = (user, id) => pane(user).locator(`[data-testid=conversation][data-id="${id}"]`).click();
  const shown = async (user, name) =>
    Number(await pane(user).getByTestId(`inspect-${name}`).getAttribute('data-value'));

  await t.test('shows two people who talk to each other', async () => {
    await open('userA', 'C2CuserB');
    await open('userB', 'C2CuserA');
    await pane('userA').getByTestId('composer').fill(MARKER);
    await pane('userA').getByTestId('send').click();
    for (const user of ['userA', 'userB']) {
      await pane(user).getByTestId('message').getByText(MARKER).waitFor();
      await soon(`${user} has it`, async () => (await shown(user, 'server')) > 100);
      assert.ok((await shown(user, 'messages')) > 0);
    }
    await soon('both are shown the same count', async () => {
      return (await shown('userA', 'server')) === (await shown('userB', 'server'));
    });
  });

  await t.test('deletes a conversation of one of them', async () => {
    await soon('both devices hold the message', async () => {
      return (await readDatabases(page, [MARKER])).found.get(MARKER)?.size === 2;
    });
    const kept = await shown('userB', 'server');
    await pane('userA').getByTestId('open-deletions').click();
    await pane('userA').getByTestId('delete-conversation').click();
    await pane('userA').getByTestId('delete-conversation-confirm').click();
    await pane('userA').locator('[data-testid=conversation][data-id="C2CuserB"]').waitFor({ state: 'detached' });
    await soon('the server’s history of A is empty', async () => (await shown('userA', 'server')) === 0);
    await soon('the device of A holds nothing of it', async () => (await shown('userA', 'messages')) === 0);
    await soon('one database has it', async () => (await readDatabases(page, [MARKER])).found.get(MARKER)?.size === 1);
    assert.equal(await shown('userB', 'server'), kept);
    await pane('userB').getByTestId('message').getByText(MARKER).waitFor();
  });

  await t.test('shows the same after a reload', async () => {
    await page.reload();
    await open('userB', 'C2CuserA');
    await pane('userB').getByTestId('message').getByText(MARKER).waitFor();
    await pane('userA').getByTestId('conversation').first().waitFor();
    assert.equal(await pane('userA').locator('[data-testid=conversation][data-id="C2CuserB"]').count(), 0);
  });

  await t.test('brings the conversation back with what is new only', async () => {
    await pane('userB').getByTestId('composer').fill('something new');
    await pane('userB').getByTestId('send').click();
    await open('userA', 'C2CuserB');
    await soon('A sees one message', async () => (await shown('userA', 'server')) === 1);
    await pane('userA').getByTestId('message').getByText('something new').waitFor();
    assert.equal(await pane('userA').getByTestId('message').count(), 1);
  });

  await t.test('lets both join the lobby, talk there and leave it', async () => {
    for (const user of ['userA', 'userB']) {
      await pane(user).getByTestId('join-room').click();
      await pane(user).getByTestId('quit-room').waitFor();
      assert.equal(await pane(user).getByTestId('open-deletions').isVisible(), false, 'a room is not deleted');
    }
    await pane('userA').getByTestId('composer').fill('is anybody here?');
    await pane('userA').getByTestId('send').click();
    const heard = pane('userB').getByTestId('message').getByText('is anybody here?');
    await heard.waitFor();
    await pane('userB').getByTestId('quit-room').click();
    await pane('userB').getByTestId('join-room').waitFor();
    await soon('one database has it', async () => {
      return (await readDatabases(page, ['is anybody here?'])).found.get('is anybody here?')?.size === 1;
    });
    assert.equal(await heard.isVisible(), false);
    assert.ok(await pane('userA').getByTestId('message').getByText('is anybody here?').isVisible());
    await pane('userA').getByTestId('quit-room').click();
  });

  await t.test('shows a person’s second device, and a recall on all of them', async () => {
    await pane('userA').getByTestId('second-device').check();
    await open('userA', 'C2CuserB');
    await open('userB', 'C2CuserA');
    await open('userA-second', 'C2CuserB');
    await pane('userA').getByTestId('composer').fill('a slip');
    await pane('userA').getByTestId('send').click();
    const devices = ['userA', 'userA-second', 'userB'];
    for (const device of devices) {
      await pane(device).getByTestId('message').getByText('a slip').waitFor();
    }
    const slip = pane('userA').getByTestId('message').filter({ hasText: 'a slip' });
    await slip.getByTestId('select').check();
    await pane('userA').getByTestId('recall-selected').click();
    await pane('userA').getByTestId('recall-selected-confirm').click();
    for (const device of devices) {
      await pane(device).getByTestId('message').getByText('userA recalled a message').waitFor();
      assert.equal(await pane(device).getByTestId('message').getByText('a slip').count(), 0);
    }
    await pane('userB').getByTestId('message').getByText('something new').click();
    await pane('userB').getByTestId('selection').waitFor();
    await pane('userB').getByTestId('message').getByText('userA recalled a message').click();
    assert.equal(await pane('userB').getByTestId('recall-selected').isVisible(), false, 'another’s is not recalled');
    await pane('userB').getByTestId('selection-cancel').click();
  });

  await t.test('shows what a device learns that was away', async () => {
    await pane('userA').getByTestId('second-device').uncheck();
    await pane('userA-second').waitFor({ state: 'detached' });
    await pane('userA').getByTestId('open-deletions').click();
    await pane('userA').getByTestId('clear-history').click();
    await pane('userA').getByTestId('clear-history-confirm').click();
    await soon('it is cleared', async () => (await shown('userA', 'messages')) === 0);
    await soon('on the server, too', async () => (await shown('userA', 'server')) === 0);
    await pane('userA').getByTestId('second-device').check();
    await open('userA-second', 'C2CuserB');
    await soon('the second device follows', async () => (await shown('userA-second', 'messages')) === 0);
    assert.ok((await shown('userB', 'messages')) > 0);
  });
});
