// C2SP tlog-checkpoint: the text that a log signs. Origin, size, root, each on its line; then extension
// lines.
import { base64, fromBase64 } from '../bytes/base64.ts';
import { isWellFormed } from '../bytes/well-formed.ts';
import { BytesError, CheckpointError } from '../errors.ts';
import { HASH_BYTES } from '../merkle/hash.ts';

export interface Checkpoint {
  /** Which log; a schema-less URL by convention. */
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly extensions: readonly string[];
}

/** The text of a checkpoint, ready for signNote; throws CheckpointError. */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  const { origin, size, root, extensions } = checkpoint;
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new CheckpointError(`expected a size of 0 to 2^53 - 1, got \`${size}\``);
  }
  if (root.length !== HASH_BYTES)
    throw new CheckpointError(`expected a root of 32 bytes, got \`${root.length}\``);
  for (const line of [origin, ...extensions]) requireLine(line);
  return `${[origin, `${size}`, base64(root), ...extensions].join('\n')}\n`;
}

/** Reads the text of an opened note; throws CheckpointError. One checkpoint has one spelling. */
export function parseCheckpoint(text: string): Checkpoint {
  if (!text.endsWith('\n')) throw new CheckpointError('expected a checkpoint that ends in a newline');
  const [origin, size, root, ...extensions] = text.slice(0, -1).split('\n');
  if (origin === undefined || size === undefined || root === undefined) {
    throw new CheckpointError('expected three lines: origin, size and root');
  }
  for (const line of [origin, ...extensions]) requireLine(line);
  return { origin, size: readSize(size), root: readRoot(root), extensions };
}

function readSize(text: string): number {
  const size = /^(?:0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(size)) {
    throw new CheckpointError('expected a size of 0 to 2^53 - 1 in decimal digits without leading zeros');
  }
  return size;
}

function readRoot(text: string): Uint8Array {
  let root: Uint8Array;
  try {
    root = fromBase64(text);
  } catch (error) {
    if (!(error instanceof BytesError)) throw error;
    throw new CheckpointError('expected a root in base64');
  }
  if (root.length !== HASH_BYTES)
    throw new CheckpointError(`expected a root of 32 bytes, got \`${root.length}\``);
  return root;
}

function requireLine(line: string): void {
  if (line === '') throw new CheckpointError('expected an origin and extension lines that are not empty');
  for (let i = 0; i < line.length; i++) {
    if (line.charCodeAt(i) < 0x20) throw new CheckpointError('expected lines without control characters');
  }
  if (!isWellFormed(line)) throw new CheckpointError('expected Unicode text, got a lone surrogate');
}
