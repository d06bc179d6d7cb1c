// C2SP tlog-tiles: where the hashes and entries of a log lie, under a folder or a URL.
import { MerkleError } from '../errors.ts';
import { requireCount } from './split.ts';

/** Hashes (or entries) in a full tile. */
export const TILE_WIDTH = 256;

/** `tile/0/x001/x234/067`, or `….p/5` for a partial tile of 5 hashes. */
export function tilePath(level: number, index: number, width?: number): string {
  if (!Number.isInteger(level) || level < 0 || level > 63) {
    throw new MerkleError(`expected a tile level of 0 to 63, got \`${level}\``);
  }
  return `tile/${level}/${position(index, width)}`;
}

/** `tile/entries/…`: the bundle of entries whose leaf hashes the level 0 tile of that index holds. */
export function entriesTilePath(index: number, width?: number): string {
  return `tile/entries/${position(index, width)}`;
}

function position(index: number, width: number | undefined): string {
  requireCount(index, 'a tile index');
  // Three digits a folder; the x keeps a folder from ever having the name of a tile.
  let path = threeDigits(index);
  for (let left = Math.floor(index / 1000); left > 0; left = Math.floor(left / 1000)) {
    path = `x${threeDigits(left)}/${path}`;
  }
  if (width === undefined || width === TILE_WIDTH) return path;
  if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH) {
    throw new MerkleError(`expected a tile width of 1 to 256, got \`${width}\``);
  }
  return `${path}.p/${width}`;
}

function threeDigits(value: number): string {
  return `${value % 1000}`.padStart(3, '0');
}
