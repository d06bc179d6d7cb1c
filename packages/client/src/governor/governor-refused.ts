import type { Digest } from '@provability-fabric/kernel';
import { ClientError } from '../errors.ts';

/** What the tests of a refused change came to. */
export interface RefusedTests {
  readonly rc: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly timed_out: boolean;
}

/** What the service says beside code and message; all of it is its word. */
export interface RefusedFacts {
  readonly manifest: Digest | null;
  /** One line per rule that blocks. */
  readonly reasons: readonly string[];
  /** Present where tests ran. */
  readonly sandbox: RefusedTests | null;
}

/** A change, rollback or proposal that the governor did not take: nothing of it is in the tree. */
export class GovernorRefused extends ClientError {
  readonly facts: RefusedFacts;

  constructor(error: ClientError, facts: RefusedFacts) {
    super(error.code, error.message, { status: error.status, retryAfterSeconds: error.retryAfterSeconds });
    this.name = 'GovernorRefused';
    this.facts = facts;
  }
}
