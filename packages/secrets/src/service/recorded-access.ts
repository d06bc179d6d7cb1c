import { PLATFORM_ROLE } from '../access/access-table.ts';
import { checkAccess } from '../access/check-access.ts';
import type { SecretOperation } from '../access/operations.ts';
import type { AccessResult, AuditTrail } from '../audit.ts';
import { SecretError, SecretRateError } from '../errors.ts';
import {
  asSecretName,
  asSecretTenant,
  type SecretName,
  type SecretPlace,
  type SecretTenant,
} from '../names.ts';
import type { RateLimits } from '../ports.ts';
import { accessOf, CHANGES, detailsOf } from './access-record.ts';
import type { AccessEvent, Caller, SecretTarget } from './secrets.ts';

export interface RecordedAccessOptions {
  readonly audit: AuditTrail;
  readonly limits: RateLimits;
  readonly provider: string;
  /** ms since 1970. */
  readonly clock: () => number;
  /** ms, monotonic. */
  readonly elapsed: () => number;
  readonly newId: () => string;
  readonly onAccess: (event: AccessEvent) => void;
}

/** What the work says about itself, for the record. */
export interface Noted {
  version?: number;
  cached?: boolean;
  readonly details: Record<string, string | number | boolean>;
}

export interface Asked {
  readonly caller: Caller;
  readonly operation: SecretOperation;
  readonly target: SecretTarget;
  /** What `target.name` is: most operations are about a secret, some about a whole tenant. */
  readonly about: 'secret' | 'prefix' | 'tenant';
}

interface UnderWay {
  readonly asked: Asked;
  readonly id: string;
  readonly begunAt: number;
  readonly noted: Noted;
}

const LIMITED_EVERY_MS = 1000;
const MAX_LIMITED = 10_000;

/**
 * The one way to a secret: who may → how often → on record before anything changes → the work → on record what came of it →
 * only then the answer. What cannot be put on record is not done, or its answer is kept back.
 */
export class RecordedAccess {
  readonly #options: RecordedAccessOptions;
  /** When a principal's rate was last on record: one that is refused a thousand times a second fills no log. */
  readonly #limited = new Map<string, number>();

  constructor(options: RecordedAccessOptions) {
    this.#options = options;
  }

  async perform<T>(asked: Asked, work: (place: SecretPlace, noted: Noted) => Promise<T>): Promise<T> {
    const access = this.#begin(asked);
    const place = await this.#admitted(access);
    if (CHANGES.has(asked.operation)) await this.#record(access, 'STARTED');
    let answer: T;
    try {
      answer = await work(place, access.noted);
    } catch (error) {
      return this.#failed(access, error);
    }
    await this.#record(access, 'SUCCESS');
    this.#tell(access, 'SUCCESS', null);
    return answer;
  }

  /**
   * As `perform`, for what leaves piece by piece: on record before the first piece, and again after the last. Where there
   * was no piece nobody has learnt anything, and nothing is recorded.
   */
  async *stream<T>(
    asked: Asked,
    work: (place: SecretPlace, noted: Noted) => AsyncIterable<T>,
  ): AsyncGenerator<T, void, undefined> {
    const access = this.#begin(asked);
    const place = await this.#admitted(access);
    let [started, failed] = [false, false];
    try {
      for await (const piece of work(place, access.noted)) {
        if (!started) await this.#record(access, 'STARTED');
        started = true;
        yield piece;
      }
    } catch (error) {
      failed = true;
      return await this.#failed(access, error);
    } finally {
      // Also when whoever walks turns away before the end: what was handed out so far is on record.
      if (started && !failed) await this.#record(access, 'SUCCESS');
    }
    this.#tell(access, 'SUCCESS', null);
  }

  /** Only the checks, for use cases that keep their own records. */
  async admit(asked: Asked): Promise<SecretPlace> {
    return this.#admitted(this.#begin(asked));
  }

  #begin(asked: Asked): UnderWay {
    const { newId, elapsed } = this.#options;
    return { asked, id: newId(), begunAt: elapsed(), noted: { details: {} } };
  }

  async #admitted(access: UnderWay): Promise<SecretPlace> {
    const { caller, operation, target, about } = access.asked;
    let denied: SecretError | null = null;
    try {
      checkAccess(caller, operation, target.tenant);
    } catch (error) {
      denied = asSecretError(error);
    }
    // Those who are refused pay too.
    const rate = await this.#rate(caller);
    if (rate !== null) return this.#limitedTo(access, rate);
    if (denied !== null) return this.#denied(access, denied);
    try {
      const tenant = asSecretTenant(target.tenant);
      return { tenant, name: about === 'secret' ? asSecretName(target.name) : ('' as SecretName) };
    } catch (error) {
      return this.#failed(access, error);
    }
  }

  async #rate(caller: Caller): Promise<number | null> {
    try {
      const decision = await this.#options.limits.take(caller.tenant ?? '-', caller.principal);
      return decision.ok ? null : decision.retryAfterMs;
    } catch {
      return LIMITED_EVERY_MS;
    }
  }

  async #limitedTo(access: UnderWay, retryAfterMs: number): Promise<never> {
    const { caller } = access.asked;
    const error = new SecretRateError(retryAfterMs);
    const key = JSON.stringify([caller.tenant, caller.principal]);
    const now = this.#options.elapsed();
    if (now - (this.#limited.get(key) ?? Number.NEGATIVE_INFINITY) >= LIMITED_EVERY_MS) {
      this.#limited.delete(key);
      this.#limited.set(key, now);
      const [oldest] = this.#limited.keys();
      if (this.#limited.size > MAX_LIMITED && oldest !== undefined) this.#limited.delete(oldest);
      return this.#denied(access, error);
    }
    this.#tell(access, 'DENIED', error.code);
    throw error;
  }

  async #denied(access: UnderWay, error: SecretError): Promise<never> {
    await this.#record(access, 'DENIED', error.code);
    this.#tell(access, 'DENIED', error.code);
    throw error;
  }

  async #failed(access: UnderWay, thrown: unknown): Promise<never> {
    const error = asSecretError(thrown);
    await this.#record(access, 'FAILURE', error.code);
    this.#tell(access, 'FAILURE', error.code);
    throw error;
  }

  async #record(access: UnderWay, result: AccessResult, errorCode?: string): Promise<void> {
    const { asked, id, noted } = access;
    const { audit, clock, provider } = this.#options;
    const { caller, operation } = asked;
    const details = { operation, provider, ...noted.details, ...whereOf(asked) };
    try {
      await audit.record({
        ...accessOf(caller, operation, { id, ...recordedPlace(asked) }),
        ...(noted.version !== undefined && { version: noted.version }),
        result,
        ...(errorCode !== undefined && { errorCode }),
        details: detailsOf(details, caller.details),
        at: clock(),
      });
    } catch (cause) {
      this.#tell(access, 'FAILURE', 'AUDIT_UNAVAILABLE');
      if (cause instanceof SecretError && cause.code === 'AUDIT_UNAVAILABLE') throw cause;
      throw new SecretError(
        'AUDIT_UNAVAILABLE',
        'expected the access to be put on record: no record, no secret',
        {
          cause,
        },
      );
    }
  }

  #tell(access: UnderWay, result: AccessEvent['result'], errorType: string | null): void {
    const { asked, begunAt, noted } = access;
    const { tenant } = recordedPlace(asked);
    const seconds = (this.#options.elapsed() - begunAt) / 1000;
    const { operation } = asked;
    const { provider, onAccess } = this.#options;
    onAccess({ tenant, provider, operation, result, errorType, cached: noted.cached ?? false, seconds });
  }
}

/**
 * Whose log it goes to: that of the tenant it is about, if the caller may act there at all; else the caller's own, so that
 * nobody writes into the log of a stranger.
 */
function recordedPlace({ caller, target, about }: Asked): {
  readonly tenant: string;
  readonly secret: string;
} {
  const own = caller.tenant ?? '-';
  const tenant = mayActIn(caller, target.tenant) ? target.tenant : own;
  const secret = about === 'tenant' ? '-' : target.name === '' ? '-' : nameOrDash(target.name, about);
  return { tenant, secret };
}

function whereOf({ caller, target }: Asked): Readonly<Record<string, string>> {
  const asked = tenantOrDash(target.tenant);
  if (!mayActIn(caller, target.tenant)) return { asked_tenant: asked };
  return caller.tenant === target.tenant ? {} : { caller_tenant: caller.tenant ?? '-' };
}

function mayActIn(caller: Caller, tenant: string): boolean {
  return caller.tenant === tenant || (caller.roles.includes(PLATFORM_ROLE) && tenantOrDash(tenant) !== '-');
}

function nameOrDash(name: string, about: Asked['about']): string {
  try {
    return about === 'prefix' ? name.replace(/[^A-Za-z0-9._/-]/g, '?').slice(0, 255) : asSecretName(name);
  } catch {
    return '-';
  }
}

function tenantOrDash(tenant: string): SecretTenant | '-' {
  try {
    return asSecretTenant(tenant);
  } catch {
    return '-';
  }
}

function asSecretError(error: unknown): SecretError {
  if (error instanceof SecretError) return error;
  return new SecretError('PROVIDER_UNAVAILABLE', 'expected the provider to answer', { cause: error });
}
