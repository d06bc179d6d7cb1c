import { asSecretName, asSecretTenant, SecretError } from '@provability-fabric/secrets';
import { Admission } from '../admission.ts';
import { RequestError } from '../errors.ts';
import type { Answer } from '../respond.ts';
import type { OpenCall, PublicRoute } from '../route.ts';
import type { RotationUseCases } from './ports.ts';

/** Whoever asks shows no token: those who do must not have to wait behind them. */
const MAX_AT_ONCE = 16;

/** RFC 7517: what verifiers of tokens need of secrets that are key pairs. Public keys, for everybody. */
export function publicKeyRoutes(rotations: RotationUseCases): readonly PublicRoute[] {
  const admission = new Admission(MAX_AT_ONCE, Number.POSITIVE_INFINITY);
  return [
    {
      kind: 'public',
      method: 'GET',
      pattern: '/jwks/:tenant/*',
      async serve(call) {
        const leave = admission.enter(0);
        if (leave === undefined)
          throw new RequestError('OVERLOADED', 'too many ask for public keys; retry later');
        try {
          return await keys(rotations, call);
        } finally {
          leave();
        }
      },
    },
  ];
}

async function keys(rotations: RotationUseCases, { params }: OpenCall): Promise<Answer> {
  try {
    const place = { tenant: asSecretTenant(params.tenant ?? ''), name: asSecretName(params['*'] ?? '') };
    const { keys: found } = await rotations.publicKeys(place);
    return { status: 200, body: { keys: found.map((key) => ({ ...key })) } };
  } catch (error) {
    // One answer for all that is no key pair: which names there are is nobody's business here.
    if (error instanceof SecretError && HIDDEN.test(error.code))
      throw new RequestError('NOT_FOUND', 'expected a secret that is a key pair, came another name');
    throw error;
  }
}

const HIDDEN = /^SECRET_(?:NAME_INVALID|NOT_FOUND|VERSION_NOT_FOUND|DELETED|DESTROYED|VALUE_INVALID)$/;
