import { addExtension, Packr } from 'msgpackr/index-no-eval';

// Payloads come from other users: MessagePack's extensions (dates, regular expressions, errors …) stay bytes.
for (let type = 0; type < 256; type++) {
  addExtension({ type, unpack: (bytes: Uint8Array) => bytes });
}

const packr = new Packr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' });

/** Encodes into an array of its own, so that it can be moved to a worker. */
export function encode(value: unknown): Uint8Array {
  return Uint8Array.prototype.slice.call(packr.pack(value));
}

export function decode(bytes: Uint8Array): unknown {
  return packr.unpack(bytes);
}
