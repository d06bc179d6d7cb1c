import { askService, parsed, refusedBy, type Service } from '../http/ask-service.ts';

export interface Revocation {
  readonly token_ids: readonly string[];
  readonly reason: string;
  readonly tenant?: string;
}

export interface Revoked {
  readonly revoked: readonly string[];
  /** Those of them that the ledger had no record of. */
  readonly unknown: readonly string[];
}

/** `POST /capability-tokens/revoke`. */
export async function postRevocation(
  ledger: Service,
  token: string,
  revocation: Revocation,
): Promise<Revoked> {
  const body = JSON.stringify(revocation);
  const answered = await askService(ledger, {
    method: 'POST',
    path: '/capability-tokens/revoke',
    token,
    body,
  });
  const answer = parsed(answered.text);
  if (answered.status === 200 && isRevoked(answer)) return answer;
  throw refusedBy(ledger, answered, 'a ledger that revokes tokens');
}

function isRevoked(answer: unknown): answer is Revoked {
  const { revoked, unknown } = (answer ?? {}) as Record<keyof Revoked, unknown>;
  const isList = (one: unknown) => Array.isArray(one) && one.every((id) => typeof id === 'string');
  return isList(revoked) && isList(unknown);
}
