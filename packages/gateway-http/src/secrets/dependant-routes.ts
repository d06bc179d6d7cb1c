import type { JsonValue } from '@provability-fabric/kernel';
import type { Dependant } from '@provability-fabric/secrets';
import { z } from 'zod';
import { RequestError } from '../errors.ts';
import { readQuery } from '../query.ts';
import type { Answer } from '../respond.ts';
import type { Call, GuardedRoute } from '../route.ts';
import { matching, parse, shape } from '../shapes.ts';
import { callerOf, nameOf, tenantOf } from './caller.ts';
import type { RotationUseCases } from './ports.ts';
import { NOTHING } from './rendering.ts';

const text = matching(/^\P{Cc}{1,128}$/u, 'text of 1 to 128 characters');
const dependantShape = shape({
  serviceId: text,
  serviceName: text,
  serviceType: z.enum(['api', 'worker', 'cron', 'function'], {
    error: '`api`, `worker`, `cron` or `function`',
  }),
  environment: text,
  url: matching(/^https?:\/\/[^\s]{1,2040}$/, 'an http or https URL').optional(),
});

/** Which services use a secret and are told when it changes, and what a change of it touches. */
export function dependantRoutes(rotations: RotationUseCases): readonly GuardedRoute[] {
  const dependants = { kind: 'guarded', pattern: '/admin/secrets/dependants/:tenant/*' } as const;
  return [
    { ...dependants, method: 'GET', serve: (call) => show(rotations, call) },
    { ...dependants, method: 'PUT', serve: (call) => add(rotations, call) },
    { ...dependants, method: 'DELETE', serve: (call) => remove(rotations, call) },
  ];
}

async function show(rotations: RotationUseCases, call: Call): Promise<Answer> {
  readQuery(call.query, []);
  const { dependants, impact } = await rotations.dependants(callerOf(call), targetOf(call));
  const { level, services, downtimeMinutes, advisedWindow } = impact;
  const body = {
    dependants: dependants.map(rendered),
    impact: { level, services, downtime_minutes: downtimeMinutes, advised_window: advisedWindow },
  };
  return { status: 200, body };
}

/** In the place of the one with the same `serviceId`. */
async function add(rotations: RotationUseCases, call: Call): Promise<Answer> {
  readQuery(call.query, []);
  const { url, ...service } = parse(dependantShape, call.body);
  const dependant = { ...service, ...(url !== undefined && { url }) };
  await rotations.addDependant(callerOf(call), targetOf(call), dependant);
  return NOTHING;
}

async function remove(rotations: RotationUseCases, call: Call): Promise<Answer> {
  const { service } = readQuery(call.query, ['service']);
  if (service === undefined)
    throw new RequestError('REQUEST_MALFORMED', 'expected `?service=` with the id of a service, came none');
  if (await rotations.removeDependant(callerOf(call), targetOf(call), service)) return NOTHING;
  throw new RequestError('NOT_FOUND', 'expected the id of a service that uses the secret, came another');
}

function targetOf(call: Call) {
  return { tenant: tenantOf(call, call.params.tenant), name: nameOf(call) };
}

function rendered({ serviceId, serviceName, serviceType, environment, url }: Dependant): JsonValue {
  return {
    service_id: serviceId,
    service_name: serviceName,
    service_type: serviceType,
    environment,
    url: url ?? null,
  };
}
