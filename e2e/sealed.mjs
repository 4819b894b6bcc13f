// The vault's sealed values, opened with nothing but what a device stores: written from the format as it is documented
// (sdk/vault/seal.go), not with the product's code, so that it finds out what can truly be read.
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';

const SLOT = 32;
const NONCE = 24;

/** A value's MessagePack, or undefined where no key opens it. keyring is the device's file of keys. */
export function open(table, value, keyring) {
  if ((value[0] & 0xf0) === 0x80 || value[0] >= 0xde) {
    return value; // of a database that was not sealed yet
  }
  const inline = (value[0] & 0x0f) === 2;
  const at = inline ? 1 + SLOT : 5;
  const slot = new DataView(value.buffer, value.byteOffset).getUint32(1);
  const key = inline ? value.subarray(1, at) : keyring?.subarray(slot * SLOT, (slot + 1) * SLOT);
  if (key?.length !== SLOT) {
    return undefined;
  }
  try {
    const aead = xchacha20poly1305(key, value.subarray(at, at + NONCE), new TextEncoder().encode(table));
    const plain = aead.decrypt(value.subarray(at + NONCE));
    return value[0] & 0x10 ? unpack(plain) : plain;
  } catch {
    return undefined;
  }
}

/** What can be read in a record: its own bytes, and for a segment those of its messages. */
export function* readable(table, plain) {
  yield plain;
  if (table !== 'segments') {
    return;
  }
  // The block is the map's last entry: its name "b", then a binary.
  for (let i = plain.length - 1; i > 0; i--) {
    const [size, header] = { 196: [1, 2], 197: [2, 3], 198: [4, 5] }[plain[i]] ?? [];
    if (size && plain[i - 1] === 0x62 && plain[i - 2] === 0xa1) {
      const length = Buffer.from(plain.buffer, plain.byteOffset + i + 1, size).readUIntBE(0, size);
      if (i + header + length === plain.length) {
        yield unpack(plain.subarray(i + header));
        return;
      }
    }
  }
  throw new Error('a segment without a block');
}

/** An S2 block, which is Snappy's with repeated offsets. */
export function unpack(block) {
  let at = 0;
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = block[at++];
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) {
      break;
    }
  }
  const out = new Uint8Array(length);
  const number = (bytes) => {
    let n = 0;
    for (let i = 0; i < bytes; i++) {
      n += block[at++] * 2 ** (8 * i);
    }
    return n;
  };
  let to = 0;
  let offset = 0;
  while (at < block.length) {
    const tag = block[at++];
    const kind = tag & 3;
    if (kind === 0) {
      const short = tag >> 2;
      const n = (short < 60 ? short : number(short - 59)) + 1;
      out.set(block.subarray(at, at + n), to);
      at += n;
      to += n;
      continue;
    }
    let n = 1 + (tag >> 2);
    if (kind === 1) {
      n = (tag >> 2) & 7;
      const near = ((tag & 0xe0) << 3) | block[at++];
      if (near > 0) {
        offset = near;
      } else if (n >= 5) {
        n = number(n - 4) + [4, 0x100, 0x10000][n - 5];
      }
      n += 4;
    } else {
      offset = number(kind === 2 ? 2 : 4);
    }
    for (let i = 0; i < n; i++, to++) {
      out[to] = out[to - offset];
    }
  }
  return out;
}
