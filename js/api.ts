// What both ways in, index.ts and script.ts, export besides create.
export type { Response } from './calls.js';
export type { Chat, MessageSelector, Scope } from './chat.js';
export type { CreateOptions } from './create.js';
export type { ChatEvent, EventName, Handler } from './emitter.js';
export { LetheError } from './errors.js';
export { type MessageOptions, type Payload, TYPES } from './message.js';
export * from './types.gen.js';
