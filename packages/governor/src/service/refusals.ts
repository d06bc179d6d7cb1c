import type { Digest } from '@provability-fabric/kernel';
import type { AuditPosition, ChangeEventKind } from '../audit/change-event.ts';
import { GovernorError } from '../errors.ts';
import type { Signer } from '../gate/signer.ts';
import type { PlanResult, PolicyIdentity } from '../policy/plan.ts';
import type { SandboxResult } from '../sandbox/sandbox.ts';
import { changeEvent } from './change-events.ts';
import { ChangeRefused } from './change-refused.ts';
import type { GovernorParts } from './ports.ts';
import type { GovernorCaller } from './requests.ts';

/** What is known of an attempt so far; filled in as it goes on. */
export interface Attempt {
  readonly id: string;
  readonly caller: GovernorCaller;
  readonly undertaking: 'change' | 'rollback';
  manifest: Digest | null;
  idempotencyKey: string | null;
  reverts: Digest | null;
  signers: readonly Signer[];
  policy: PolicyIdentity | null;
  plan: PlanResult | null;
  sandbox: SandboxResult | null;
  outputDigest: Digest | null;
  /** From here on it is on record that it was begun. */
  started: boolean;
  /** From here on it is in the tree, whatever else fails. */
  landed: boolean;
}

export function newAttempt(
  parts: Pick<GovernorParts, 'newId'>,
  caller: GovernorCaller,
  undertaking: Attempt['undertaking'],
): Attempt {
  return {
    id: parts.newId(),
    caller,
    undertaking,
    manifest: null,
    idempotencyKey: null,
    reverts: null,
    signers: [],
    policy: null,
    plan: null,
    sandbox: null,
    outputDigest: null,
    started: false,
    landed: false,
  };
}

/** Puts it on record that nothing came of an attempt, and says so. An unforeseen error passes through, on record as well. */
export async function refuse(parts: GovernorParts, attempt: Attempt, error: unknown): Promise<never> {
  // On record already, or in the tree whatever else failed.
  if (attempt.landed || error instanceof ChangeRefused) throw error;
  const known = error instanceof GovernorError ? error : undefined;
  const { undertaking, started, manifest, plan, sandbox } = attempt;
  const kind: ChangeEventKind = `${undertaking}-${started ? 'failed' : 'refused'}`;
  const result = known?.code.toLowerCase() ?? 'error';
  if (undertaking === 'change') parts.observer.applied(result);
  else parts.observer.rolledBack(result);
  const event = changeEvent({ id: attempt.id, kind, at: parts.now() }, attempt.caller, {
    ...attemptFields(attempt),
    verdict: plan?.verdict ?? null,
    errorCode: known?.code ?? 'INTERNAL',
    // Of an unforeseen error nothing is known, so nothing of it is said.
    detail: known?.message ?? 'an unforeseen error',
  });
  const position = await recorded(parts, event);
  if (known === undefined) throw error;
  throw new ChangeRefused(known.code, known.message, { manifest, plan, sandbox, position }, { cause: known });
}

/** Nothing was changed, so a record that cannot be written changes nothing about the refusal. */
async function recorded(
  parts: GovernorParts,
  event: ReturnType<typeof changeEvent>,
): Promise<AuditPosition | null> {
  try {
    const { statement } = await parts.recorder.record(event);
    parts.observer.recorded(event);
    return await parts.recorder.positionOf(statement);
  } catch (error) {
    if (error instanceof GovernorError && error.code === 'CHANGE_AUDIT_UNAVAILABLE') return null;
    throw error;
  }
}

/** What every event of an attempt says. */
export function attemptFields(attempt: Attempt) {
  const { manifest, idempotencyKey, reverts, signers, policy, sandbox, outputDigest } = attempt;
  return {
    manifest,
    idempotencyKey,
    reverts,
    signers,
    policy,
    sandbox: sandbox === null ? null : withoutOutput(sandbox),
    outputDigest,
  };
}

function withoutOutput({ stdout: _out, stderr: _err, ...rest }: SandboxResult) {
  return rest;
}
