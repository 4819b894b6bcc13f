// The faces' types under test: tsc fails where one of these lines does not have the type that it should have.
import * as Rong from './rongcloud/index.js';
import TencentCloudChat, * as Tencent from './tencent/index.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function holds<_T extends true>(): void {}

export async function tencent(): Promise<void> {
  const chat = TencentCloudChat.create({ SDKAppID: 1, url: 'https://chat.example.com', appID: 'a' });
  holds<Equal<typeof chat, Tencent.TencentChat>>();
  await chat.login({ userID: 'a', userSig: 's' });
  // @ts-expect-error Tencent's name for it is userSig
  await chat.login({ userID: 'a', token: 's' });

  const single = await chat.deleteConversation('C2Ca');
  holds<Equal<typeof single, Tencent.ImResponse<{ conversationID: string }>>>();
  const several = await chat.deleteConversation({ conversationIDList: ['C2Ca'], clearHistoryMessage: false });
  holds<Equal<typeof several.data.conversationIDList, string[]>>();
  // @ts-expect-error one conversation is named by a string
  await chat.deleteConversation(['C2Ca']);

  const message = chat.createTextMessage({
    to: 'b',
    conversationType: TencentCloudChat.TYPES.CONV_C2C,
    payload: { text: 'hi' },
  });
  holds<Equal<typeof message, Tencent.Message>>();
  // @ts-expect-error a text message has a text
  chat.createTextMessage({ to: 'b', conversationType: 'C2C', payload: {} });
  await chat.deleteMessage([message]);
  const { data } = await chat.revokeMessage(message);
  holds<Equal<typeof data.message.revokerInfo.userID, string>>();
  const { messageList } = (await chat.getMessageList({ conversationID: 'C2Ca' })).data;
  holds<Equal<typeof messageList, Tencent.Message[]>>();
  chat.on(TencentCloudChat.EVENT.MESSAGE_RECEIVED, ({ data: messages }) => messages[0].payload.text);
  // @ts-expect-error no such event
  chat.on(TencentCloudChat.EVENT.MESSAGE_DELETED, () => {});
  const failure: Error = new Tencent.ImError(2500, 'text');
  throw failure;
}

export async function rongcloud(): Promise<void> {
  const engine = Rong.IMEngine.getInstance();
  await engine.init({ url: 'https://chat.example.com', appID: 'a' });
  const { data: who } = await engine.connect('token');
  holds<Equal<typeof who, { userId: string } | undefined>>();

  const conversation = new Rong.ConversationIdentifier();
  conversation.conversationType = Rong.ConversationType.Private;
  // @ts-expect-error no such type
  conversation.conversationType = 99;
  const ids = new Rong.List<number>();
  ids.add(1);
  // @ts-expect-error message ids are numbers
  ids.add('1');
  const deletion = await engine.deleteHistoryMessagesByIds(ids);
  holds<Equal<typeof deletion.code, Rong.EngineError>>();
  await engine.deleteHistoryMessagesByIds([1]);
  await engine.deleteMessages(conversation);
  await engine.deleteMessages({ conversationType: 1, targetId: 'b' }, [{ messageUId: 'x' }]);
  // @ts-expect-error a time is needed
  await engine.cleanRemoteHistoryMessagesByTime(conversation);
  const { data: page } = await engine.getRemoteHistoryMessages(conversation, { time: 0, count: 20 });
  holds<Equal<typeof page, Rong.List<Rong.Message> | undefined>>();
  await engine.sendMessage(new Rong.Message(conversation, new Rong.TextMessage('hi')));
  const quit = await engine.quitChatRoom('r');
  holds<Equal<typeof quit.code, Rong.EngineError>>();
}
