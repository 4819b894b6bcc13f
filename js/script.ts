import * as api from './api.js';
import { creator } from './create.js';
import * as rongcloud from './rongcloud/face.js';
import * as tencent from './tencent/face.js';

// Known only while the script itself runs.
const script = document.currentScript as HTMLScriptElement | null;

const create = creator(() => new URL('lethe.wasm', script?.src || document.baseURI).href);
const TencentCloudChat = tencent.tencentCloudChat(create);
const { imEngine, ...rongcloudNames } = rongcloud;

const lethe = {
  ...api,
  create,
  /** What lethe-im/tencent exports, and TencentCloudChat's own names beside it. */
  tencent: { ...TencentCloudChat, TencentCloudChat, ImError: tencent.ImError },
  /** What lethe-im/rongcloud exports. */
  rongcloud: { ...rongcloudNames, IMEngine: imEngine(create) },
};

declare global {
  var Lethe: typeof lethe;
}

globalThis.Lethe = lethe;
