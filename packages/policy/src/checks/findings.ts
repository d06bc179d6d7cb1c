import type { JsonValue } from '@provability-fabric/kernel';
import type { Clause } from '../compiled-bundle.ts';
import type { ReasonCode } from '../output.ts';
import type { Finding } from './check.ts';

export function againstClause(
  clause: Clause,
  code: ReasonCode,
  witness: JsonValue,
  verdict: Finding['verdict'] = 'reject',
): Finding {
  const { id, mode, severity } = clause;
  return { code, verdict, weakened: { by: 'clause', id, mode, severity }, witness };
}

/** For what no mode weakens: identity, tenant, epoch, expiry of the bundle, an ambiguous `once`. */
export function absolute(code: ReasonCode, witness: JsonValue): Finding {
  return { code, verdict: 'reject', weakened: { by: 'nothing' }, witness };
}
