/** A running Go core, wherever it runs: bytes in, bytes out. */
export interface Core {
  readonly place: 'worker' | 'page';
  /** Runs a method. Resolves with its reply, whatever the reply says; never settles once the core has exited. */
  call(name: string, args: Uint8Array): Promise<Uint8Array>;
  /** Ends the core without a word to the listener. */
  end(): void;
}

/** Who hears from a core. */
export interface CoreListener {
  event(name: string, data: Uint8Array): void;
  /** The core is gone and will answer nothing any more. Called at most once. */
  exited(reason: string): void;
}
