import type { CsiEvent } from '@provability-fabric/gateway-csi';
import type { SecretMetrics } from '@provability-fabric/gateway-http';
import type { AccessEvent, RotationEvent, VolumeEvent } from '@provability-fabric/secrets';
import type { RedisEvent } from '@provability-fabric/storage';
import type { Logger } from 'pino';

/** Operations that show nothing and change nothing out of the ordinary: logged where somebody looks closely. */
const USUAL: ReadonlySet<AccessEvent['operation']> = new Set([
  'read',
  'mount',
  'use',
  'list',
  'describe',
  'fingerprint',
]);
const LOUD: ReadonlySet<RotationEvent['type']> = new Set([
  'rotation-attempt-failed',
  'rotation-failure',
  'rollback-failure',
  'dependant-not-told',
  'schedule-warning',
  'rotation-skipped',
  'scheduler-error',
]);

/** Names, codes and times for the log; tenants and codes for the metrics; a value for neither. */
export function observeSecrets(log: Logger, metrics: SecretMetrics) {
  return {
    accessed(event: AccessEvent): void {
      metrics.recordAccess(event);
      const { tenant, provider, operation, result, errorType, cached, seconds } = event;
      const isUsual = result === 'SUCCESS' && USUAL.has(operation);
      log[isUsual ? 'debug' : result === 'SUCCESS' ? 'info' : 'warn'](
        {
          event: 'secret_access',
          tags: result === 'DENIED' ? ['SECRET_ACCESS', 'FORBIDDEN'] : ['SECRET_ACCESS'],
          tenant,
          provider,
          operation,
          result,
          ...(errorType === null ? {} : { error_type: errorType }),
          cached,
          latency_ms: Math.round(seconds * 1e6) / 1000,
        },
        `${operation} ${result}`,
      );
    },
    rotated(event: RotationEvent): void {
      metrics.recordRotation(event);
      if (event.type === 'jobs-active') return;
      const { type, ...details } = event;
      log[LOUD.has(type) ? 'warn' : 'info'](
        { event: 'secret_rotation', tags: ['SECRET_ROTATION'], rotation_event: type, ...flat(details) },
        type,
      );
    },
    volume(event: VolumeEvent): void {
      const { type, timestamp: _, ...details } = event;
      const level = type === 'error' || type === 'health-check-failed' ? 'warn' : 'info';
      log[type === 'health-check-success' ? 'debug' : level](
        {
          event: 'secrets_volume',
          tags: level === 'warn' ? ['ERROR'] : [],
          volume_event: type,
          ...flat(details),
        },
        type,
      );
    },
    redis({ event, ...details }: RedisEvent): void {
      const isWell = event === 'redis.connected' || event === 'redis.limits-shared';
      log[isWell ? 'info' : 'warn']({ event, tags: [], ...flat(details) }, event);
    },
    mounted(event: CsiEvent): void {
      if (event.event === 'csi.failed') {
        const problem = event.error instanceof Error ? event.error.name : 'unknown';
        log.error({ event: event.event, tags: ['ERROR'], problem }, event.event);
        return;
      }
      const { event: name, ...details } = event;
      const tags = name === 'csi.mounted' || name === 'csi.refused' ? ['SECRET_ACCESS'] : [];
      log[name === 'csi.refused' ? 'warn' : 'info']({ event: name, tags, ...flat(details) }, name);
    },
  };
}

/** A place becomes its tenant and name; members are named as in all log lines. */
function flat(details: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { place, dependant, ...rest } = details as {
    readonly place?: { readonly tenant: string; readonly name: string };
    readonly dependant?: { readonly serviceId: string };
  };
  const named = Object.entries(rest).map(([name, value]) => [
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    value,
  ]);
  return {
    ...(place === undefined ? {} : { tenant: place.tenant, secret: place.name }),
    ...(dependant === undefined ? {} : { dependant: dependant.serviceId }),
    ...Object.fromEntries(named),
  };
}
