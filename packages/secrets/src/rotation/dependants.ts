import { z } from 'zod';
import { SecretError } from '../errors.ts';
import type { Dependant } from './ports.ts';

const word = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,127}$/);
const dependant = z.strictObject({
  serviceId: word,
  serviceName: word,
  serviceType: z.enum(['api', 'worker', 'cron', 'function']),
  environment: word,
  url: z.string().max(2_048).optional(),
});

/** Throws ROTATION_INVALID. */
export function checkDependant(value: unknown): Dependant {
  const parsed = dependant.safeParse(value);
  if (!parsed.success) {
    const field = parsed.error.issues[0]?.path.join('.') || 'the whole';
    throw new SecretError(
      'ROTATION_INVALID',
      `expected a service with serviceId, serviceName, serviceType (api, worker, cron, function) and environment; see ${field}`,
    );
  }
  const { url, ...rest } = parsed.data;
  return url === undefined ? rest : { ...rest, url };
}
