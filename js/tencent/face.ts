import type { Chat, CreateOptions } from '../api.js';
import { ErrorCode } from '../api.js';
import { TencentChat } from './chat.js';
import { ImError } from './errors.js';
import { EVENT, TYPES } from './names.js';

export type { ImResponse } from './chat.js';
export { ImError } from './errors.js';
export type { Handler, ImEvent } from './handlers.js';
export type { Conversation, Message, MessageOptions } from './shapes.js';
export type { TencentChat };

/** What TencentCloudChat.create takes. Options of Tencent's that mean nothing here are let be. */
export interface Options extends Partial<CreateOptions> {
  /** Taken and not used: a server's apps have names of their own, appID. */
  SDKAppID?: number;
  [others: string]: unknown;
}

/** TencentCloudChat, over the create of a way in. */
export function tencentCloudChat(create: (options: CreateOptions) => Promise<Chat>) {
  return {
    EVENT,
    TYPES,
    /** A chat at once; its calls wait for the core. url is the page's own origin if absent. Throws an ImError. */
    create(options: Options): TencentChat {
      if (typeof options !== 'object' || options === null) {
        throw new ImError(ErrorCode.PARAMETER_INVALID, 'create needs {SDKAppID, url}');
      }
      const { url = location.origin, ...others } = options;
      return new TencentChat(create({ ...others, url }));
    },
  };
}
