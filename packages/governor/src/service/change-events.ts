import type { ChangeEvent, ChangeEventKind } from '../audit/change-event.ts';
import type { GovernorCaller } from './requests.ts';

const MOST_DETAIL = 1_000;
const MOST_PRINCIPAL = 255;

/** An event with everything that it does not concern left empty. */
export function changeEvent(
  place: { readonly id: string; readonly kind: ChangeEventKind; readonly at: number },
  caller: GovernorCaller | 'governor',
  rest: Partial<Omit<ChangeEvent, 'id' | 'kind' | 'at' | 'actor' | 'principal'>> = {},
): ChangeEvent {
  const { actor, principal } = caller === 'governor' ? { actor: caller, principal: caller } : caller;
  return {
    ...place,
    actor,
    principal: principal.slice(0, MOST_PRINCIPAL),
    manifest: null,
    idempotencyKey: null,
    reverts: null,
    verdict: null,
    errorCode: null,
    signers: [],
    policy: null,
    tree: null,
    files: [],
    sandbox: null,
    outputDigest: null,
    commit: null,
    ...rest,
    detail: rest.detail?.slice(0, MOST_DETAIL) ?? null,
  };
}
