import { RotationPolicies, type ScheduleRequest } from '@provability-fabric/secrets';
import { RequestError } from '../errors.ts';
import type { Log } from '../ports.ts';
import { readQuery } from '../query.ts';
import type { Answer } from '../respond.ts';
import type { Call, GuardedRoute } from '../route.ts';
import { callerOf, nameOf, tenantOf, versionOf } from './caller.ts';
import type { FirstAnswers } from './first-answers.ts';
import type { RotationUseCases, SecretUseCases } from './ports.ts';
import { NOTHING, renderedVersion } from './rendering.ts';
import { parseRollback } from './request-shapes.ts';
import { renderedRotation, renderedSchedule } from './rotation-rendering.ts';
import { parseRotate, parseSchedule } from './rotation-shapes.ts';

interface Options {
  readonly secrets: SecretUseCases;
  readonly rotations: RotationUseCases;
  readonly answers: FirstAnswers;
  readonly log: Log;
}

/** From here on the new value is the current one. */
const PROMOTED = new Set(['notify', 'grace', 'revoke', 'done']);

export function rotationRoutes(options: Options): readonly GuardedRoute[] {
  const schedules = { kind: 'guarded', pattern: '/admin/secrets/schedules/:tenant/*' } as const;
  return [
    {
      kind: 'guarded',
      method: 'POST',
      pattern: '/admin/secrets/rotate',
      serve: (call) => rotate(options, call),
    },
    {
      kind: 'guarded',
      method: 'POST',
      pattern: '/admin/secrets/rollback',
      serve: (call) => rollback(options, call),
    },
    {
      kind: 'guarded',
      method: 'GET',
      pattern: '/admin/secrets/rotations/:id',
      serve: (call) => show(options, call),
    },
    { ...schedules, method: 'GET', serve: (call) => showSchedule(options, call) },
    { ...schedules, method: 'PUT', serve: (call) => schedule(options, call) },
    { ...schedules, method: 'DELETE', serve: (call) => unschedule(options, call) },
  ];
}

/** 200 where the new value is the current one, 202 where the rotation goes on: where it stands is told by its id. */
async function rotate({ rotations, answers, log }: Options, call: Call): Promise<Answer> {
  const { tenantId, secretKey, ...request } = parseRotate(call.body);
  return answers.once(call, ['rotate'], async () => {
    const tenant = tenantOf(call, tenantId);
    const caller = callerOf(call);
    const target = { tenant, name: secretKey };
    const { rotationId, phase } = await rotations.rotateNow(caller, target, given(request));
    const details = { by: caller.principal, tenant, secret: secretKey, rotation: rotationId, phase };
    log({ level: 'info', event: 'secret_rotation_asked', tags: ['SECRET_ROTATION'], latency_ms: 0, details });
    if (phase === 'failed' || phase === 'undo') {
      const detail =
        'expected the target to take the new value, came a failure; the old one stays the current one';
      throw new RequestError('ROTATION_FAILED', detail, { members: { rotation_id: rotationId } });
    }
    const body = { rotation_id: rotationId, tenant, secret: secretKey, phase };
    return { status: PROMOTED.has(phase) ? 200 : 202, body };
  });
}

/** An earlier value becomes a new version: history only grows. */
async function rollback({ secrets, answers, log }: Options, call: Call): Promise<Answer> {
  const { tenantId, secretKey, targetVersion } = parseRollback(call.body);
  return answers.once(call, ['rollback'], async () => {
    const tenant = tenantOf(call, tenantId);
    const caller = callerOf(call);
    const made = await secrets.rollback(caller, { tenant, name: secretKey }, versionOf(`${targetVersion}`));
    const details = { by: caller.principal, tenant, secret: secretKey, version: made.version };
    log({ level: 'warn', event: 'secret_rolled_back', tags: ['SECRET_ROLLBACK'], latency_ms: 0, details });
    return { status: 200, body: { tenant, secret: secretKey, version: renderedVersion(made) } };
  });
}

async function show({ rotations }: Options, call: Call): Promise<Answer> {
  const { tenant } = readQuery(call.query, ['tenant']);
  const found = await rotations.rotationOf(callerOf(call), tenantOf(call, tenant), call.params.id ?? '');
  return { status: 200, body: renderedRotation(found) };
}

async function showSchedule({ rotations }: Options, call: Call): Promise<Answer> {
  const found = await rotations.scheduleOf(callerOf(call), scheduled(call));
  if (found === null) throw noSchedule();
  return { status: 200, body: renderedSchedule(found, null) };
}

async function schedule({ rotations }: Options, call: Call): Promise<Answer> {
  const { policy, ...asked } = parseSchedule(call.body);
  const request: ScheduleRequest = {
    ...given(asked),
    ...(policy !== undefined && { policy: RotationPolicies[policy] }),
  };
  const { schedule: made, warning } = await rotations.schedule(callerOf(call), scheduled(call), request);
  return { status: 200, body: renderedSchedule(made, warning) };
}

/** A rotation that is under way goes on. */
async function unschedule({ rotations }: Options, call: Call): Promise<Answer> {
  if (!(await rotations.unschedule(callerOf(call), scheduled(call)))) throw noSchedule();
  return NOTHING;
}

function scheduled(call: Call) {
  readQuery(call.query, []);
  return { tenant: tenantOf(call, call.params.tenant), name: nameOf(call) };
}

function noSchedule(): RequestError {
  return new RequestError('NOT_FOUND', 'expected a secret with a rotation schedule, came one without');
}

type Given<Members> = { [name in keyof Members]: Exclude<Members[name], undefined> };

/** Without members that are undefined: a use case tells what was left out from what was given. */
function given<Members extends object>(members: Members): Given<Members> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
  ) as Given<Members>;
}
