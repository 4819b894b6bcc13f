import * as api from './api.js';
import { creator } from './create.js';

// Known only while the script itself runs.
const script = document.currentScript as HTMLScriptElement | null;

const lethe = {
  ...api,
  create: creator(() => new URL('lethe.wasm', script?.src || document.baseURI).href),
};

declare global {
  var Lethe: typeof lethe;
}

globalThis.Lethe = lethe;
