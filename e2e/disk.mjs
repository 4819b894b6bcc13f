// A disk of its own, small enough to be filled.
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { atEnd, folder } from './endings.mjs';

export class Disk {
  path;

  /** Mounts a disk of so many MiB for the test t. Only root can; undefined where that is not so, but in CI it fails. */
  static mount(t, size) {
    const disk = new Disk();
    disk.path = folder(t, 'disk');
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}m`, 'tmpfs', disk.path], { stdio: 'pipe' });
    } catch (failure) {
      if (process.env.CI) {
        throw new Error(`NO SMALL DISK COULD BE MOUNTED: ${failure.stderr}`);
      }
      console.error(`A SMALL DISK CANNOT BE MOUNTED HERE, SO FULL DISKS ARE NOT TESTED: ${failure.stderr}`);
      return undefined;
    }
    atEnd(t, () => execFileSync('umount', ['-l', disk.path]));
    return disk;
  }

  /** How many bytes are free. */
  get free() {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  /** Fills it to the last block. */
  fill() {
    const file = openSync(join(this.path, 'ballast'), 'w');
    for (let size = 1 << 20; size >= 512; ) {
      try {
        size = writeSync(file, Buffer.alloc(size, 1)) < size ? size >> 1 : size;
      } catch (failure) {
        if (failure.code !== 'ENOSPC') {
          throw failure;
        }
        size >>= 1;
      }
    }
    closeSync(file);
  }

  /** Makes room again. */
  clear() {
    rmSync(join(this.path, 'ballast'));
  }
}
