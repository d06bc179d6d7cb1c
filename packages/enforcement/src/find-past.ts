import type { Crypto } from '@provability-fabric/kernel';
import type { IntentInput } from '@provability-fabric/policy';
import type { PermissionCertificate } from '@provability-fabric/statements';
import { answerOf, fingerprint, outcomeKey, type PastAnswer } from './past-requests.ts';
import type { StoredStatement } from './ports.ts';
import { inputIn, type ReadingTools, recordedIn } from './recorded-statements.ts';

/** What a certificate on record says was answered. */
export function pastAnswer(
  crypto: Crypto,
  certificate: PermissionCertificate,
  input: IntentInput,
  index: number,
): PastAnswer {
  const print = fingerprint(crypto, input, certificate.action.args_digest);
  const { forwarded_digest: forwarded, secrets_used: secrets } = certificate;
  const past = { fingerprint: print, answer: answerOf(certificate), index, given: true };
  return { ...past, ...(forwarded && { forwarded }), ...(secrets && { secrets }) };
}

/** What a session has on record about one certificate; undefined where it has none. */
export async function findPast(
  tools: ReadingTools,
  session: string,
  statements: AsyncIterable<StoredStatement>,
  certificate: string,
): Promise<PastAnswer | undefined> {
  let past: PastAnswer | undefined;
  for await (const stored of statements) {
    const { statement } = recordedIn(tools, session, stored);
    if (statement.type === 'session-record' || statement.certificate_id !== certificate) continue;
    if (statement.type === 'permission-certificate') {
      const input = inputIn(tools.crypto, statement, stored);
      if (input?.kind === 'intent') past = pastAnswer(tools.crypto, statement, input, stored.index);
    } else if (past !== undefined) past.outcome = outcomeKey(statement.outcome, statement.result_digest);
  }
  return past;
}
