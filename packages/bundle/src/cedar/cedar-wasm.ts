import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import type * as Official from '@cedar-policy/cedar-wasm/nodejs';

export type { DetailedError } from '@cedar-policy/cedar-wasm/nodejs';
export type CedarWasm = typeof Official;

const load = createRequire(import.meta.url);
const MODULE = '@cedar-policy/cedar-wasm/nodejs';

/**
 * The official implementation. Loaded when first needed: it takes longer than a command line may take to
 * start.
 */
export async function loadCedarWasm(): Promise<CedarWasm> {
  // V8 inlines calls of WebAssembly into hot functions, and aborts the whole process when it has to undo that
  // during a call that returns an object, as all of cedar-wasm's do. It takes some thousand calls. Seen on
  // Node 20 and 22; an unknown flag would be a message on stderr, so it is given only to versions that have it.
  if (/^1[123]\./.test(process.versions.v8)) setFlagsFromString('--no-turbo-inline-js-wasm-calls');
  return load(MODULE) as CedarWasm;
}

/**
 * Runs `work` with cedar-wasm; undefined if its stack overflowed. After that the instance fails every call,
 * so it is thrown away: one bad source must not end the compiler of a running server.
 */
export async function withCedarWasm<T>(work: (cedar: CedarWasm) => T): Promise<T | undefined> {
  const cedar = await loadCedarWasm();
  try {
    return work(cedar);
  } catch (error) {
    if (!isOverflow(error)) throw error;
    delete load.cache[load.resolve(MODULE)];
    return undefined;
  }
}

function isOverflow(error: unknown): boolean {
  return error instanceof RangeError || (error instanceof Error && error.name === 'RuntimeError');
}
