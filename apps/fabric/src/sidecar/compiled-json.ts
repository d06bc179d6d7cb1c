import { type Crypto, canonicalBytes, equalBytes, type JsonValue } from '@provability-fabric/kernel';
import {
  type CompiledBundle,
  type LoadedBundle,
  loadBundle,
  parseCompiledBundle,
} from '@provability-fabric/policy';

export type CompiledJson =
  | { readonly ok: true; readonly loaded: LoadedBundle }
  | { readonly ok: false; readonly code: 'BUNDLE_INVALID'; readonly problem: string };

/** A compiled bundle from JSON that anybody may have written, proven to run: the inside of its Cedar part too. */
export function readCompiledJson(json: JsonValue, crypto: Crypto): CompiledJson {
  try {
    return { ok: true, loaded: loadBundle(parseCompiledBundle(json), crypto) };
  } catch (error) {
    const problem = error instanceof Error ? error.message : 'expected a compiled bundle';
    return { ok: false, code: 'BUNDLE_INVALID', problem };
  }
}

/**
 * Whether two bundles of one version are the same sources under two releases of the compiler: while fabrics are
 * updated one by one, each decides under what its own release compiled.
 */
export function sameSources(one: CompiledBundle, other: CompiledBundle): boolean {
  if (one.name !== other.name || one.version !== other.version || one.compiler === other.compiler)
    return false;
  return equalBytes(canonicalBytes(one.sources), canonicalBytes(other.sources));
}
