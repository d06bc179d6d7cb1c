import type { Digest } from '@provability-fabric/kernel';
import type { AuditPosition } from '../audit/change-event.ts';
import { GovernorError, type GovernorErrorCode } from '../errors.ts';
import type { PlanResult } from '../policy/plan.ts';
import type { SandboxResult } from '../sandbox/sandbox.ts';

/** What is known about a change that was not applied. */
export interface RefusalFacts {
  readonly manifest: Digest | null;
  /** Present where the policy was asked. */
  readonly plan: PlanResult | null;
  /** Present where tests ran. */
  readonly sandbox: SandboxResult | null;
  /** Where it is on record; null where the record could not be written, or it concerns no known manifest. */
  readonly position: AuditPosition | null;
}

/** A change or rollback that was refused or failed: nothing of it is in the tree. */
export class ChangeRefused extends GovernorError {
  readonly facts: RefusalFacts;

  constructor(code: GovernorErrorCode, message: string, facts: RefusalFacts, options?: ErrorOptions) {
    super(code, message, options);
    this.name = 'ChangeRefused';
    this.facts = facts;
  }
}
