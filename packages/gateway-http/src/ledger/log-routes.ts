import { RequestError } from '../errors.ts';
import type { PublicRoute } from '../route.ts';
import type { LedgerReader } from './ports.ts';

/** C2SP tlog-tiles: level, index in groups of three digits, and the width of a tile that is not full. */
const TILE = /^(?:\d|[1-5]\d|6[0-3])(?:\/x\d{3})*\/\d{3}(?:\.p\/(?:[1-9]|[1-9]\d|1\d\d|2[0-4]\d|25[0-5]))?$/;
/** An index has at most 64 bits: 20 digits. */
const MAX_TILE = 48;

const YEAR_SECONDS = 31_536_000;

/** The log as anybody may read it: leaves are hashes over salts, so it shows nothing of a tenant (CONTRACTS §6). */
export function logRoutes(reader: LedgerReader): readonly PublicRoute[] {
  const route = { kind: 'public', method: 'GET' } as const;
  return [
    {
      ...route,
      pattern: '/checkpoint',
      async serve() {
        const checkpoint = await reader.checkpoint();
        if (checkpoint === null) throw missing('a checkpoint: nothing was appended yet');
        return { status: 200, type: 'text/plain; charset=utf-8', bytes: Buffer.from(checkpoint) };
      },
    },
    {
      ...route,
      pattern: '/tile/*',
      async serve({ params: { '*': path = '' } }) {
        const tile = path.length <= MAX_TILE && TILE.test(path) ? await reader.tile(path) : null;
        if (tile === null) throw missing('a tile of the log');
        // A full tile never changes. One that is not full is taken away once it is.
        const caching = path.includes('.p/') ? 'no-store' : `public, max-age=${YEAR_SECONDS}, immutable`;
        return {
          status: 200,
          type: 'application/octet-stream',
          bytes: tile,
          headers: { 'cache-control': caching },
        };
      },
    },
  ];
}

function missing(what: string): RequestError {
  return new RequestError('NOT_FOUND', `expected ${what}, which is not there`);
}
