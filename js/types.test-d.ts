// Types under test: tsc fails where one of these lines does not have the type that it should have.
import * as Lethe from './index.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function holds<_T extends true>(): void {}

export async function types(): Promise<void> {
  const chat = await Lethe.create({ url: 'https://chat.example.com' });
  await Lethe.create({ url: '', appID: 'a', wasmURL: '/lethe.wasm', workerURL: '/lethe.worker.js', worker: false });
  // @ts-expect-error url is needed
  await Lethe.create({});

  const single = await chat.deleteConversation('C2Ca');
  holds<Equal<typeof single.data, { conversationID: string; erasure: string }>>();
  const several = await chat.deleteConversation({ conversationIDList: ['C2Ca'], clearHistoryMessage: false });
  holds<Equal<typeof several.data.failed, Lethe.Failed[]>>();
  // @ts-expect-error a conversationID is a string
  await chat.deleteConversation(1);

  const message = chat.createTextMessage({ to: 'b', conversationType: 'C2C', payload: { text: 'hi' } });
  holds<Equal<typeof message, Lethe.Message>>();
  // @ts-expect-error a text message has a text
  chat.createTextMessage({ to: 'b', conversationType: 'C2C', payload: {} });
  chat.createCustomMessage({ to: 'b', conversationType: 'ROOM', payload: { data: '{}' }, quote: message });
  const recalled = await chat.revokeMessage(message);
  holds<Equal<typeof recalled.data.message, Lethe.Message>>();
  // @ts-expect-error a group is named by its groupID
  await chat.joinGroup({ groupID: 'g' });

  await chat.deleteMessages({ ids: ['a', 1] }, { scope: 'local' });
  await chat.deleteMessages({ messages: [message] });
  await chat.deleteMessages({ conversationID: 'C2Ca', before: Date.now() }, { scope: 'remote' });
  // @ts-expect-error no such scope
  await chat.deleteMessages({ ids: ['a'] }, { scope: 'everybody' });
  // @ts-expect-error a misspelt limit would delete everything
  await chat.deleteMessages({ conversationID: 'C2Ca', befor: 1 });

  await chat.logout({ wipe: 'force' });
  // @ts-expect-error no such way to wipe
  await chat.logout({ wipe: 'gently' });

  chat.on(Lethe.EVENT.MESSAGE_RECEIVED, ({ name, data }) => {
    holds<Equal<typeof name, 'MESSAGE_RECEIVED'>>();
    holds<Equal<typeof data.messageList, Lethe.Message[]>>();
  });
  // @ts-expect-error no such event
  chat.on('MESSAGE_RECIEVED', () => {});

  const code: number = Lethe.ErrorCode.CONVERSATION_NOT_FOUND;
  const failure: Error = new Lethe.LetheError(code, 'text');
  holds<Equal<Lethe.LetheError['retryable'], boolean>>();
  holds<Equal<Lethe.InspectResult['server'], number | null>>();
  throw failure;
}
