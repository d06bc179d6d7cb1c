import {
  type Crypto,
  canonicalBytes,
  type Digest,
  digestOf,
  type JsonValue,
} from '@provability-fabric/kernel';
import type { z } from 'zod';
import { GovernorError } from '../errors.ts';
import { checkTargets } from './check-targets.ts';
import type { BoundManifest, ChangeBinding, ChangeManifest } from './manifest.ts';
import { BOUND_MANIFEST_SHAPE, MANIFEST_SHAPE } from './manifest-shape.ts';

/** Reads a manifest, the original's form too; what it leaves out is empty. Throws MANIFEST_INVALID. */
export function parseManifest(value: JsonValue): ChangeManifest {
  return checked<ChangeManifest>(MANIFEST_SHAPE, value);
}

/** Reads a manifest with what its signature binds as well. Throws MANIFEST_INVALID. */
export function parseBoundManifest(value: JsonValue): BoundManifest {
  return checked<BoundManifest>(BOUND_MANIFEST_SHAPE, value);
}

/** Throws MANIFEST_INVALID where the binding, or the manifest, is not what could be signed. */
export function bindManifest(manifest: ChangeManifest, binding: ChangeBinding): BoundManifest {
  const { base_tree, policy, expires_at, idempotency_key } = binding;
  return parseBoundManifest({
    ...jsonOf(manifest),
    base_tree,
    policy: { ...policy },
    expires_at,
    idempotency_key,
  });
}

/** What is signed and hashed: canonical JSON (RFC 8785); empty lists are written, absent members left out. */
export function manifestBytes(manifest: ChangeManifest | BoundManifest): Uint8Array {
  return canonicalBytes(jsonOf(manifest));
}

export function manifestHash(crypto: Crypto, manifest: ChangeManifest | BoundManifest): Digest {
  return digestOf(crypto, manifestBytes(manifest));
}

function jsonOf(manifest: ChangeManifest | BoundManifest): { readonly [key: string]: JsonValue } {
  const { reverts, files, ...rest } = manifest;
  const known = {
    ...rest,
    files: files.map(({ mode, ...file }) => (mode === undefined ? file : { ...file, mode })),
  };
  return (reverts === undefined ? known : { ...known, reverts }) as unknown as {
    readonly [key: string]: JsonValue;
  };
}

function checked<Manifest extends ChangeManifest>(shape: z.ZodType, value: JsonValue): Manifest {
  const read = shape.safeParse(value);
  if (!read.success) throw new GovernorError('MANIFEST_INVALID', `manifest: ${problemOf(read.error)}`);
  const manifest = read.data as Manifest;
  checkTargets(manifest);
  return manifest;
}

/** The first problem, by its place. Of the manifest itself only the name of an unknown member is said, escaped. */
function problemOf({ issues: [issue] }: z.ZodError): string {
  if (issue === undefined) return 'expected another form';
  const at = issue.path.length === 0 ? '' : `\`${issue.path.map(String).join('.')}\`: `;
  if (issue.code !== 'unrecognized_keys') return `${at}${lowercase(issue.message)}`;
  const name = JSON.stringify((issue.keys[0] ?? '').slice(0, 64)).slice(1, -1);
  return `${at}expected only members that are known, came \`${name}\``;
}

function lowercase(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}
