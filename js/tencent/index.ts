import { create } from '../index.js';
import { tencentCloudChat } from './face.js';

export type {
  Conversation,
  Handler,
  ImEvent,
  ImResponse,
  Message,
  MessageOptions,
  Options,
  TencentChat,
} from './face.js';
export { ImError } from './face.js';
export { EVENT, TYPES } from './names.js';

const TencentCloudChat = tencentCloudChat(create);

export { TencentCloudChat };
export default TencentCloudChat;
