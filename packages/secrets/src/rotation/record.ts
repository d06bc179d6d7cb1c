import type { AuditTrail } from '../audit.ts';
import type { SecretPlace } from '../names.ts';
import type { Rotation, RotationClock } from './ports.ts';

export interface Recording {
  readonly audit: AuditTrail;
  readonly clock: RotationClock;
}

/** Who a rotation acts as; who asked for it is in the details. */
export const AUTHOR = 'system:rotation';

/** Before a phase acts. Throws AUDIT_UNAVAILABLE, and then it does not act. */
export async function recordStart(rotation: Rotation, recording: Recording): Promise<void> {
  await record(rotation, { result: 'STARTED' }, recording);
}

/** Before a rotation is called ended. */
export async function recordEnd(
  rotation: Rotation,
  result: 'SUCCESS' | 'FAILURE',
  errorCode: string | null,
  recording: Recording,
): Promise<void> {
  await record(rotation, { result, ...(errorCode === null ? {} : { errorCode }) }, recording);
}

/** Another secret that a rotation needs, before it has the value. */
export async function recordRead(
  id: string,
  { tenant, name }: SecretPlace,
  version: number,
  rotation: Rotation,
  { audit, clock }: Recording,
): Promise<void> {
  await audit.record({
    id,
    tenant,
    principal: AUTHOR,
    action: 'READ',
    secret: name,
    version,
    result: 'SUCCESS',
    details: { rotation: rotation.id, rotates: rotation.name },
    at: clock.now(),
  });
}

async function record(
  rotation: Rotation,
  outcome: { readonly result: 'STARTED' | 'SUCCESS' | 'FAILURE'; readonly errorCode?: string },
  { audit, clock }: Recording,
): Promise<void> {
  const { id, tenant, name, phase, by, rotator, cause, version } = rotation;
  await audit.record({
    id,
    tenant,
    principal: AUTHOR,
    action: 'ROTATE',
    secret: name,
    ...(version === null ? {} : { version }),
    ...outcome,
    details: { phase, by, rotator, cause },
    at: clock.now(),
  });
}
