import type { Checkpoint } from '@provability-fabric/kernel';
import { crypto } from './bundle.fixture.ts';
import { InvalidInput } from './invalid-input.ts';
import { bytesOf, type EvidenceJson, KEYS } from './log.fixture.ts';
import type { TrustedKeys } from './trusted-keys.ts';
import { type Requirement, type Verification, verifyEvidence } from './verify-evidence.ts';

interface Trusting {
  readonly keys?: TrustedKeys;
  readonly since?: Checkpoint | null;
  readonly require?: readonly Requirement[];
}

export function check(
  evidence: EvidenceJson | Uint8Array,
  { keys = KEYS, since = null, require = [] }: Trusting = {},
): Verification {
  const bytes = evidence instanceof Uint8Array ? evidence : bytesOf(evidence);
  return verifyEvidence(crypto, bytes, { keys, since, require });
}

/** `CODE session/seq` of everything that is wrong, in order; `INVALID_INPUT` for what is no evidence file. */
export function wrong(evidence: EvidenceJson | Uint8Array, trusting: Trusting = {}): readonly string[] {
  try {
    return check(evidence, trusting).failures.map(({ code, place }) =>
      place === null
        ? code
        : `${code} ${place.session ?? `entry ${place.entry}`}${place.seq === null ? '' : `/${place.seq}`}`,
    );
  } catch (error) {
    if (error instanceof InvalidInput) return ['INVALID_INPUT'];
    throw error;
  }
}

/** `session/seq status` of every event. */
export function standings({ events }: Verification): readonly string[] {
  return events.map(({ entry: { statement }, standing, failed }) => {
    return `${statement.session}/${statement.seq} ${failed ? 'failed' : standing.status}`;
  });
}
