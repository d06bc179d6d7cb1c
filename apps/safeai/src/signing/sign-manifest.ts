import { CommandError } from '@provability-fabric/command-line';
import { nodeCrypto } from '@provability-fabric/evidence';
import {
  type AsyncSigner,
  addSignature,
  type BoundManifest,
  bindManifest,
  type ChangeBinding,
  manifestHash,
  parseBoundManifest,
  parseManifest,
  signManifest,
} from '@provability-fabric/governor';
import {
  asDigest,
  type Digest,
  type Envelope,
  field,
  fromBase64,
  hex,
  type JsonValue,
  parseEnvelope,
  parseJsonBytes,
} from '@provability-fabric/kernel';
import type { PlaceOptions } from '../output/place-options.ts';
import { atDesk } from '../service/desk.ts';
import type { Shell } from '../shell.ts';

export interface BindingOptions extends PlaceOptions {
  readonly expires?: number;
  readonly idempotencyKey?: string;
  readonly baseTree?: string;
  readonly policy?: string;
  readonly policyVersion?: string;
}

export interface SignedChange {
  readonly envelope: Envelope;
  readonly hash: Digest;
}

const EXPIRES_MS = 3_600_000;
const KEY_BYTES = 16;

/** Binds a manifest, unless it is bound already, and signs it. */
export async function signAnew(
  shell: Shell,
  document: JsonValue,
  signer: AsyncSigner,
  options: BindingOptions,
): Promise<SignedChange> {
  const bound = isBound(document)
    ? asItIs(document, options)
    : bindManifest(parseManifest(document), await bindingOf(shell, options));
  return { envelope: await signManifest(bound, [signer]), hash: manifestHash(nodeCrypto(), bound) };
}

/** Adds a signature to what others have signed, which stays as it is. */
export async function signMore(
  document: JsonValue,
  signer: AsyncSigner,
  options: BindingOptions,
): Promise<SignedChange> {
  refuseBinding(options);
  const envelope = await addSignature(parseEnvelope(document), signer);
  return { envelope, hash: manifestHash(nodeCrypto(), manifestIn(envelope)) };
}

/** What an envelope is about; whether its signatures hold is for `verify` to say. */
export function manifestIn({ payload }: Envelope): BoundManifest {
  return parseBoundManifest(parseJsonBytes(fromBase64(payload)));
}

function isBound(document: JsonValue): boolean {
  return field(document, 'base_tree') !== undefined || field(document, 'idempotency_key') !== undefined;
}

function asItIs(document: JsonValue, options: BindingOptions): BoundManifest {
  refuseBinding(options);
  return parseBoundManifest(document);
}

function refuseBinding({ expires, idempotencyKey, baseTree, policy, policyVersion }: BindingOptions): void {
  const given = Object.entries({
    '--expires': expires,
    '--idempotency-key': idempotencyKey,
    '--base-tree': baseTree,
    '--policy': policy,
    '--policy-version': policyVersion,
  }).find(([, value]) => value !== undefined);
  if (given !== undefined)
    throw new CommandError('INPUT_INVALID', `expected no ${given[0]}: the manifest is bound already`);
}

/** As it was said, and for the rest as the governor has it now. */
async function bindingOf(shell: Shell, options: BindingOptions): Promise<ChangeBinding> {
  const { terminal } = shell;
  const base = options.baseTree === undefined ? undefined : digestIn(options.baseTree, '--base-tree');
  const policy = policyIn(options);
  const now =
    base === undefined || policy === undefined
      ? await atDesk(shell, options, 'look', (desk) => desk.status())
      : undefined;
  const inForce = policy ?? now?.policy;
  const tree = base ?? now?.tree.digest;
  if (inForce === null || inForce === undefined || tree === undefined) {
    const why = now?.policy_problem ?? 'no policy is in force';
    throw new CommandError('NOT_READY', `expected a policy to bind the change to, came none: ${why}`);
  }
  return {
    base_tree: tree,
    policy: { digest: inForce.digest, version: inForce.version },
    expires_at: new Date(terminal.now() + (options.expires ?? EXPIRES_MS)).toISOString(),
    idempotency_key: options.idempotencyKey ?? hex(terminal.random(KEY_BYTES)),
  };
}

function policyIn({ policy, policyVersion }: BindingOptions): ChangeBinding['policy'] | undefined {
  if (policy === undefined && policyVersion === undefined) return undefined;
  if (policy === undefined || policyVersion === undefined)
    throw new CommandError(
      'INPUT_INVALID',
      'expected --policy and --policy-version together, came one of them',
    );
  if (!/^[1-9]\d{0,14}$/.test(policyVersion))
    throw new CommandError('INPUT_INVALID', 'expected --policy-version to be a whole number from 1 on');
  return { digest: digestIn(policy, '--policy'), version: Number(policyVersion) };
}

function digestIn(text: string, flag: string): Digest {
  if (/^[0-9a-f]{64}$/.test(text)) return asDigest(text);
  throw new CommandError('INPUT_INVALID', `expected ${flag} as 64 hex digits; \`safeai status\` prints it`);
}
