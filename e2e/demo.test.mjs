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
});
