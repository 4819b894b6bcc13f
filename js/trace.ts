/** Gives the W3C traceparent that a call goes on with; nothing, or what is none, leaves the call untraced. */
export type Traceparent = () => string | undefined;

/** What create's option trace asks for; nothing where nothing is traced. */
export function tracing(trace: boolean | Traceparent | undefined): Traceparent | undefined {
  return trace === true ? newTrace : trace || undefined;
}

/** A trace of its own, sampled: random, as the standard wants it. */
function newTrace(): string {
  let id = '';
  for (const byte of crypto.getRandomValues(new Uint8Array(24))) {
    id += byte.toString(16).padStart(2, '0');
  }
  return `00-${id.slice(0, 32)}-${id.slice(32)}-01`;
}
