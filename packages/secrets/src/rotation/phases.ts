// What each phase does. Each may be cut off anywhere and is then done again from its beginning, also by another process.
import { randomUUID } from 'node:crypto';
import type { AuditTrail } from '../audit.ts';
import { SecretError } from '../errors.ts';
import { asSecretName, type SecretPlace } from '../names.ts';
import type { StoredSecret, VersionInfo } from '../provider.ts';
import { checkValue, type SecretValue } from '../value.ts';
import { currentVersion, readCurrent } from './current-value.ts';
import type { RotationListener } from './events.ts';
import { hasEnded } from './memory-rotation-store.ts';
import { notifyDependants } from './notify-dependants.ts';
import type { RetryRules } from './pauses.ts';
import type {
  DependantNotifier,
  RandomFraction,
  RotatingProvider,
  Rotation,
  RotationChange,
  RotationClock,
  RotationContext,
  RotationStore,
  Rotator,
} from './ports.ts';
import { AUTHOR, recordEnd, recordRead, recordStart } from './record.ts';

export interface PhaseParts {
  readonly provider: RotatingProvider;
  readonly store: RotationStore;
  readonly audit: AuditTrail;
  readonly rotators: readonly Rotator[];
  readonly notifier: DependantNotifier;
  readonly clock: RotationClock;
  readonly random: RandomFraction;
  readonly retries: RetryRules;
  readonly emit: RotationListener;
}

export type Step = Omit<RotationChange, 'changedAt'>;
type Phase = (rotation: Rotation, parts: PhaseParts, signal: AbortSignal) => Promise<Step>;

/** A value of it that is not to be had any more. */
const GONE = new Set(['SECRET_VERSION_NOT_FOUND', 'SECRET_DELETED', 'SECRET_DESTROYED']);

/** By the phase that is due. What it answers is written down before the next one acts. */
export const PHASES: Readonly<Record<Exclude<Rotation['phase'], 'done' | 'failed'>, Phase>> = {
  stage,
  set: atTarget('set', 'test'),
  test: atTarget('test', 'promote'),
  promote,
  notify,
  grace: async () => ({ phase: 'revoke' }),
  revoke,
  undo,
};

async function stage(rotation: Rotation, parts: PhaseParts, signal: AbortSignal): Promise<Step> {
  const { provider } = parts;
  // Written down first: what the new value is made of must be what it later replaces.
  if (rotation.previousVersion === null)
    return { phase: 'stage', previousVersion: await currentVersion(rotation, parts.provider) };
  await recordStart(rotation, parts);
  const current = await readCurrent(rotation, provider);
  requireUnchanged(rotation, current);
  const staged = await provider.staged(rotation);
  if (staged?.token !== rotation.id) {
    if (staged !== null) await discardAbandoned(rotation, staged.token, parts);
    const rotator = rotatorOf(rotation, parts);
    const value = checkValue(await rotator.generate(current.value, contextOf(rotation, parts, signal)));
    await provider.stage(rotation, { token: rotation.id, value });
  }
  return { phase: 'set' };
}

function atTarget(act: 'set' | 'test', next: 'test' | 'promote'): Phase {
  return async (rotation, parts, signal) => {
    const current = await readCurrent(rotation, parts.provider);
    requireUnchanged(rotation, current);
    const pending = await requireStaged(rotation, parts);
    await recordStart(rotation, parts);
    await rotatorOf(rotation, parts)[act](pending, current.value, contextOf(rotation, parts, signal));
    return { phase: next };
  };
}

async function promote(rotation: Rotation, parts: PhaseParts): Promise<Step> {
  const { provider, clock } = parts;
  await recordStart(rotation, parts);
  const { version } = await provider.promote(rotation, rotation.id, {
    author: AUTHOR,
    description: descriptionOf(rotation),
    ...(rotation.previousVersion === null ? {} : { cas: rotation.previousVersion }),
  });
  return { phase: 'notify', version, promotedAt: clock.now() };
}

async function notify(rotation: Rotation, parts: PhaseParts, signal: AbortSignal): Promise<Step> {
  const rotator = rotatorOf(rotation, parts);
  if (rotator.activate !== undefined) {
    const current = await requireMade(rotation, parts);
    await recordStart(rotation, parts);
    await rotator.activate(current, await previousValue(rotation, parts), contextOf(rotation, parts, signal));
  }
  await notifyDependants(rotation, parts, signal);
  return { phase: 'grace', dueAt: (rotation.promotedAt ?? parts.clock.now()) + rotation.graceMs };
}

async function revoke(rotation: Rotation, parts: PhaseParts, signal: AbortSignal): Promise<Step> {
  const current = await readCurrent(rotation, parts.provider);
  const previous = await previousValue(rotation, parts);
  // Somebody brought the old value back in the grace: to revoke it now would lock everybody out.
  if (
    current.version.version !== rotation.version &&
    previous !== null &&
    isBack(previous, current.value, await requireMade(rotation, parts).catch(goneAs(null)))
  )
    throw new SecretError(
      'SECRET_CONFLICT',
      'expected the new value to be the current one, got the old one back',
    );
  await recordStart(rotation, parts);
  await rotatorOf(rotation, parts).revoke(previous, current.value, contextOf(rotation, parts, signal));
  await recordEnd(rotation, 'SUCCESS', null, parts);
  return { phase: 'done', errorCode: null };
}

async function undo(rotation: Rotation, parts: PhaseParts, signal: AbortSignal): Promise<Step> {
  const { provider, emit, clock } = parts;
  const made = await versionMade(rotation, parts);
  // The promotion was done and its answer lost: the only way is forward.
  if (made !== null)
    return { phase: 'notify', version: made.version, promotedAt: clock.now(), errorCode: null };
  const current = await readCurrent(rotation, provider).catch(goneAs(null));
  const staged = await provider.staged(rotation).catch(goneAs(null));
  await recordStart(rotation, parts);
  // Where nothing of ours is staged the target was not told anything either.
  if (staged?.token === rotation.id) {
    // Without the current value nobody can tell the target what not to touch: it is said that it may accept the new one.
    const undone =
      current !== null && (await undoAtTarget(rotation, staged.value, current.value, parts, signal));
    await provider.discard(rotation, rotation.id);
    const type = undone ? 'rollback-success' : 'rollback-failure';
    emit({ type, rotationId: rotation.id, place: placeOf(rotation) });
  }
  await recordEnd(rotation, 'FAILURE', rotation.errorCode, parts);
  return { phase: 'failed' };
}

async function undoAtTarget(
  rotation: Rotation,
  pending: SecretValue,
  current: SecretValue,
  parts: PhaseParts,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await rotatorOf(rotation, parts).undo(pending, current, contextOf(rotation, parts, signal));
    return true;
  } catch (error) {
    if (rotation.attempts + 1 < parts.retries.attempts && codeOf(error) !== 'ROTATION_INVALID') throw error;
    // Once it is discarded nobody knows the new value: its target may accept it and will never be shown it.
    return false;
  }
}

export function placeOf({ tenant, name }: Rotation): SecretPlace {
  return { tenant, name };
}

/** A code and never a message, which may be somebody else's. */
export function codeOf(error: unknown): string {
  return error instanceof SecretError ? error.code : 'ROTATION_FAILED';
}

function rotatorOf({ rotator: name }: Rotation, { rotators }: PhaseParts): Rotator {
  const rotator = rotators.find((known) => known.name === name);
  if (rotator !== undefined) return rotator;
  const known = rotators.map((each) => `\`${each.name}\``).join(', ');
  throw new SecretError('ROTATION_INVALID', `expected a rotator out of ${known}, got another`);
}

function contextOf(rotation: Rotation, parts: PhaseParts, signal: AbortSignal): RotationContext {
  return {
    rotationId: rotation.id,
    place: placeOf(rotation),
    options: rotation.options,
    now: parts.clock.now(),
    signal,
    async readSecret(text) {
      const place = { tenant: rotation.tenant, name: asSecretName(text) };
      const { value, version } = await parts.provider.read(place).catch((error: unknown) => {
        if (!codeOf(error).startsWith('SECRET_')) throw error;
        throw new SecretError('ROTATION_INVALID', `expected the secret \`${text}\` of the options, got none`);
      });
      await recordRead(randomUUID(), place, version.version, rotation, parts);
      return value;
    },
  };
}

function requireUnchanged({ previousVersion }: Rotation, { version }: StoredSecret): void {
  if (version.version === previousVersion) return;
  throw new SecretError(
    'SECRET_CONFLICT',
    `expected version \`${previousVersion}\` to be current still, got \`${version.version}\`: it was written meanwhile`,
  );
}

async function requireStaged(rotation: Rotation, { provider }: PhaseParts): Promise<SecretValue> {
  const staged = await provider.staged(rotation);
  if (staged?.token === rotation.id) return staged.value;
  throw new SecretError('SECRET_CONFLICT', 'expected the new value to be staged still, got another or none');
}

async function requireMade(rotation: Rotation, { provider }: PhaseParts): Promise<SecretValue> {
  return (await provider.read(rotation, rotation.version ?? 'current')).value;
}

async function previousValue(rotation: Rotation, { provider }: PhaseParts): Promise<SecretValue | null> {
  if (rotation.previousVersion === null) return null;
  return await provider.read(rotation, rotation.previousVersion).then(({ value }) => value, goneAs(null));
}

/** What a rotation that has ended left behind; any other is somebody's work. */
async function discardAbandoned(rotation: Rotation, token: string, parts: PhaseParts): Promise<void> {
  const { provider, store } = parts;
  const other = /^[0-9a-f-]{36}$/.test(token) ? await store.rotation(rotation.tenant, token) : null;
  if (other === null || other.name !== rotation.name || !hasEnded(other))
    throw new SecretError(
      'SECRET_CONFLICT',
      'expected nothing to be staged, got a value that is not of a rotation',
    );
  await provider.discard(rotation, token);
}

async function versionMade(rotation: Rotation, { provider }: PhaseParts): Promise<VersionInfo | null> {
  if (rotation.previousVersion === null) return null;
  const description = await provider.describe(rotation).catch((error: unknown) => {
    if (codeOf(error) === 'SECRET_NOT_FOUND') return null;
    throw error;
  });
  return description?.versions.find((version) => version.description === descriptionOf(rotation)) ?? null;
}

function descriptionOf({ id }: Rotation): string {
  return `rotation ${id}`;
}

function goneAs<T>(instead: T): (error: unknown) => T {
  return (error) => {
    const code = codeOf(error);
    if (GONE.has(code) || code === 'SECRET_NOT_FOUND') return instead;
    throw error;
  };
}

/** Whether one of the fields that the rotation changed is what it was; whatever else has been written beside it. */
function isBack(previous: SecretValue, current: SecretValue, made: SecretValue | null): boolean {
  return Object.keys(previous).some(
    (field) => previous[field] !== made?.[field] && previous[field] === current[field],
  );
}
