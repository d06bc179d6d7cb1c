import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { syncFolder } from '../../files/durable-files.ts';

/** A compressed copy, there whole and durable or not at all. */
export async function pack(from: string, to: string, meanwhile: string): Promise<void> {
  await pipeline(createReadStream(from), createGzip(), createWriteStream(meanwhile, { mode: 0o600 }));
  const packed = await open(meanwhile, 'r');
  try {
    await packed.sync();
  } finally {
    await packed.close();
  }
  await rename(meanwhile, to);
  await syncFolder(dirname(to));
}
