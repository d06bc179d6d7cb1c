import type { KeyObject } from 'node:crypto';
import { SecretError } from '../../errors.ts';
import type { SecretValue } from '../../value.ts';
import type { DependantNotifier, RotationContext, Rotator } from '../ports.ts';
import { createRandomRotator, type RandomBytes } from '../rotators/random.ts';
import { type PostingOptions, postMessage } from './post-message.ts';
import { asTargetKey, sealValue } from './sealed-value.ts';

export interface WebhookRotatorOptions extends PostingOptions {
  readonly randomBytes: RandomBytes;
}

/**
 * A target that speaks HTTP: `/provision` makes it accept the new value beside the old one, and it answers `{"proof"}` to show
 * that it has read it; `/promote` makes the new one the first choice; `/revoke` ends the old one, or the new one where the
 * rotation failed. Options: `url`, `publicKey` (the target's X25519 key), and those of the rotator `random`.
 */
export function createWebhookRotator({ randomBytes, ...posting }: WebhookRotatorOptions): Rotator {
  const random = createRandomRotator(randomBytes);

  /** Proves itself anew each time: what a target has forgotten meanwhile shows before the promotion. */
  async function provision(step: string, pending: SecretValue, context: RotationContext): Promise<void> {
    const { answer, isProvenBy } = await tell('provision', step, pending, context);
    if (!isProvenBy((answer as { proof?: unknown } | null)?.proof))
      throw new SecretError('ROTATION_FAILED', 'expected the target to prove that it has read the value');
  }

  async function tell(
    action: 'provision' | 'promote' | 'revoke',
    step: string,
    value: SecretValue | null,
    context: RotationContext,
  ) {
    const { rotationId, place, options, now, signal } = context;
    const id = `${rotationId}.${step}`;
    const target: KeyObject = asTargetKey(options.publicKey);
    const sealed = value === null ? null : sealValue(value, target, id);
    const body = {
      tenant: place.tenant,
      secret: place.name,
      rotation: rotationId,
      step,
      ...(sealed === null ? {} : { sealed: sealed.sealed }),
    };
    const answer = await postMessage(options.url, action, { id, at: now, body }, posting, signal);
    return { answer, isProvenBy: (proof: unknown) => sealed?.isProvenBy(proof) ?? false };
  }

  return {
    name: 'webhook',
    async generate(current, context) {
      asTargetKey(context.options.publicKey);
      return random.generate(current, context);
    },
    set: (pending, _current, context) => provision('set', pending, context),
    test: (pending, _current, context) => provision('test', pending, context),
    activate: async (current, _previous, context) =>
      void (await tell('promote', 'promote', current, context)),
    revoke: async (previous, _current, context) =>
      void (await tell('revoke', 'revoke-previous', previous, context)),
    undo: async (pending, _current, context) =>
      void (await tell('revoke', 'revoke-pending', pending, context)),
  };
}

/** `POST <url>/reload` with names only: whoever is told reads the value as always, with its own rights. */
export function createWebhookNotifier(posting: PostingOptions, now: () => number): DependantNotifier {
  return {
    async tell({ serviceId, url }, { id: rotation, tenant, name, version }, signal) {
      const message = {
        id: `${rotation}.reload.${serviceId}`,
        at: now(),
        body: { tenant, secret: name, rotation, version, service: serviceId },
      };
      await postMessage(url, 'reload', message, posting, signal);
    },
  };
}
