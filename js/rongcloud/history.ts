import type { Message, MessageListRequest, MessageListResult, Response } from '../api.js';
import { Refusal } from './errors.js';
import { EngineError } from './names.js';

/** Which messages: count of those sent before time (ms, 0: the newest). Only order 0, from there to the older, is there. */
export interface HistoryOption {
  time?: number;
  /** Web code's name for time. */
  timestamp?: number;
  count?: number;
  order?: number;
}

const DEFAULT_COUNT = 20;
const LARGEST_PAGE = 1024;

/**
 * Messages before a time, oldest first. Lethe pages by message where RongCloud pages by time, so the pages above the time
 * are read and left out.
 */
export async function messagesBefore(
  read: (request: MessageListRequest) => Promise<Response<MessageListResult>>,
  conversationID: string,
  option: HistoryOption = {},
): Promise<Message[]> {
  if (typeof option !== 'object' || option === null) {
    throw new Refusal(EngineError.InvalidParameter, 'an option is {time, count}');
  }
  const { time = option.timestamp ?? 0, count = DEFAULT_COUNT, order = 0 } = option;
  if (order !== 0) {
    throw new Refusal(EngineError.NotSupported, 'order: only 0, towards older messages');
  }
  if (!Number.isSafeInteger(time) || time < 0) {
    throw new Refusal(EngineError.InvalidTimestamp, 'time: a whole number of milliseconds, or 0');
  }
  if (time === 0) {
    return (await read({ conversationID, count })).data.messageList;
  }
  if (!Number.isInteger(count) || count < 1 || count > LARGEST_PAGE) {
    throw new Refusal(EngineError.InvalidParameter, `count: 1 … ${LARGEST_PAGE}`);
  }
  const found: Message[] = [];
  for (let nextReqMessageID = ''; ; ) {
    const { data } = await read({ conversationID, count: LARGEST_PAGE, nextReqMessageID });
    found.unshift(...data.messageList.filter(({ sentTime }) => sentTime < time));
    nextReqMessageID = data.nextReqMessageID;
    if (found.length >= count || data.isCompleted || nextReqMessageID === '') {
      return found.slice(-count);
    }
  }
}
