/** What the page sends to a core's worker. */
export type ToWorker =
  | { kind: 'start'; module: WebAssembly.Module; lock: string }
  | { kind: 'call'; id: number; name: string; args: Uint8Array };

/** What the worker sends back. */
export type FromWorker =
  | { kind: 'hello' }
  | { kind: 'ready' }
  | { kind: 'reply'; id: number; reply: Uint8Array }
  | { kind: 'event'; name: string; data: Uint8Array }
  | { kind: 'exited'; reason: string };
