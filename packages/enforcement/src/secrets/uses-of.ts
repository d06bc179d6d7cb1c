import { type IntentInput, namesIn, type SecretUse, secretUses } from '@provability-fabric/policy';
import { EnforcementError } from '../errors.ts';
import type { PastAnswer } from '../past-requests.ts';
import type { Session } from '../session.ts';

/**
 * What an allowed action uses: the same again for each repeat of its request. Throws REQUEST_CONFLICT where another bundle
 * would have the values stand elsewhere than the certificate says.
 */
export function usesOf(
  session: Session,
  input: IntentInput,
  past: PastAnswer,
): readonly SecretUse[] | undefined {
  if (past.answer.effect !== 'allow') return undefined;
  const uses = secretUses(session.rules, input);
  const names = uses === undefined ? [] : namesIn(uses);
  if (names.join(' ') === (past.secrets ?? []).join(' ')) return uses;
  const problem = 'stands for a use of secrets under another bundle; ask anew with a new id';
  throw new EnforcementError('REQUEST_CONFLICT', `this request id ${problem}`);
}
