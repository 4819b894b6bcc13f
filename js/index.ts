import { creator } from './create.js';

export * from './api.js';

/** Starts a chat. Resolves when its core is ready. */
export const create = creator(() => new URL('./lethe.wasm', import.meta.url).href);
