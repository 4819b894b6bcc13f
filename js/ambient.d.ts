// Modules that js/build.mjs makes while bundling.

declare module 'go:wasm_exec' {
  /** Defines globalThis.Go, from the Go toolchain that built the wasm. */
  export function defineGo(): void;
}

declare module 'lethe:worker' {
  /** The worker's script, bundled. */
  const source: string;
  export default source;
}

// The build of msgpackr that needs no unsafe-eval has no types of its own.
declare module 'msgpackr/index-no-eval' {
  export { addExtension, Packr } from 'msgpackr';
}
