import type { LoadedBundle } from '../../load-bundle.ts';
import type { Check, Event, Finding } from '../check.ts';
import { absolute } from '../findings.ts';
import { namesIn, referencesIn, type SecretUse } from './uses.ts';

/** Secrets are used where the bundle says so, and their values go nowhere else. Nothing weakens either. */
export const secrets: Check<null> = {
  init: () => null,
  describe: () => null,
  onIntent: (bundle, _facts, state, event) => ({ findings: [...problems(bundle, event)], next: state }),
};

function* problems(bundle: LoadedBundle, { intent }: Event): Generator<Finding> {
  for (const { where, name } of intent.exposed ?? [])
    yield absolute('SECRET_EXPOSED', { at: where, secret: name });
  if (bundle.ir.secrets === undefined) return;
  const { refused } = referencesIn(bundle.ir.secrets, intent.action, intent.principal);
  for (const { path, problem, secret } of refused)
    yield absolute('SECRET_NOT_PERMITTED', { at: path, problem, ...(secret !== undefined && { secret }) });
}

/** What an allowed action uses; undefined where it uses none, or under this bundle may not. */
export function secretUses(
  { ir: { secrets: rules } }: LoadedBundle,
  { action, principal }: Pick<Event['intent'], 'action' | 'principal'>,
): readonly SecretUse[] | undefined {
  if (rules === undefined) return undefined;
  const { uses, refused } = referencesIn(rules, action, principal);
  return uses.length === 0 || refused.length > 0 ? undefined : uses;
}

/** The names of what an allowed action uses; undefined where it uses none. */
export function usedSecrets(bundle: LoadedBundle, { intent }: Event): readonly string[] | undefined {
  const uses = secretUses(bundle, intent);
  return uses && namesIn(uses);
}
