import { canonicalJson, field, type JsonValue } from '@provability-fabric/kernel';
import type { Scalar } from '../checks/flow/arguments.ts';
import type { Source } from '../checks/flow/rules.ts';
import { type LoadedBundle, toolRule } from '../load-bundle.ts';
import type { Reason } from '../output.ts';
import { isIntent } from '../replay/decide-again.ts';
import type { PlayedInput } from '../replay/played-session.ts';
import { blockersIn } from './blockers.ts';
import { withConstant, withModes } from './variant.ts';

/** One thing that could have been otherwise. Nothing here weakens what no mode weakens. */
export type Change =
  /** Of the bundle: what its owner can turn. */
  | { readonly kind: 'clause in monitor'; readonly clause: string }
  | { readonly kind: 'default deny in monitor' }
  | {
      readonly kind: 'value in a set';
      readonly set: string;
      readonly parameter: string;
      readonly value: Scalar;
    }
  /** Of the session: what the host and the agent can do another time. */
  | { readonly kind: 'value in the prompt'; readonly parameter: string; readonly value: Scalar }
  | { readonly kind: 'role held'; readonly role: string }
  | { readonly kind: 'action not done before'; readonly place: number; readonly target: string };

export function changeKey(change: Change): string {
  return canonicalJson(change as unknown as JsonValue);
}

/** What of the bundle can have a say in a run: what stopped something in it, and the sets that an argument might be in. */
export function bundleChanges(
  bundle: LoadedBundle,
  stopping: Iterable<Reason>,
  target: { readonly tool: string; readonly reasons: readonly Reason[] },
): readonly Change[] {
  const found: Change[] = [];
  for (const { by, name } of blockersIn([...stopping])) {
    if (by === 'clause') found.push({ kind: 'clause in monitor', clause: name });
    if (by === 'default deny') found.push({ kind: 'default deny in monitor' });
  }
  // Under high assurance nothing is below enforce.
  const changes = bundle.ir.assurance === 'high' ? [] : found;
  for (const { parameter, value } of refusedValues(target.reasons)) {
    const rule = toolRule(bundle.ir, target.tool)?.parameters[parameter];
    for (const set of setsAmong([...(rule?.from ?? []), ...(rule?.endorse ?? [])]))
      changes.push({ kind: 'value in a set', set, parameter, value });
  }
  return changes;
}

function setsAmong(sources: readonly Source[]): ReadonlySet<string> {
  return new Set(sources.flatMap((source) => (source.kind === 'constant' ? [source.set] : [])));
}

/** What the session could have had otherwise, short of what was done before. */
export function sourceChanges(bundle: LoadedBundle, reasons: readonly Reason[]): readonly Change[] {
  const found: Change[] = [];
  for (const { parameter, value } of refusedValues(reasons)) {
    // Nothing of these is the whole of a prompt's words.
    if (value !== null && value !== '') found.push({ kind: 'value in the prompt', parameter, value });
  }
  if (blockersIn(reasons).some(({ by }) => by === 'default deny'))
    for (const role of rolesIn(bundle)) found.push({ kind: 'role held', role });
  return found;
}

/** The values whose source was not good enough, each once. */
function refusedValues(
  reasons: readonly Reason[],
): readonly { readonly parameter: string; readonly value: Scalar }[] {
  const found = new Map<string, { readonly parameter: string; readonly value: Scalar }>();
  for (const { mode, witness } of reasons) {
    const parameter = field(witness, 'parameter');
    const value = field(witness, 'value');
    if (mode !== 'enforce' || typeof parameter !== 'string' || value === undefined) continue;
    if (typeof value === 'object' && value !== null) continue;
    found.set(canonicalJson([parameter, value]), { parameter, value });
  }
  return [...found.values()];
}

/** The roles that permits name. */
function rolesIn({ ir: { cedar } }: LoadedBundle): readonly string[] {
  const roles = cedar.policies.flatMap(({ effect, principal }) =>
    effect === 'permit' && 'entity' in principal && principal.entity.type === 'Role'
      ? [principal.entity.id]
      : [],
  );
  return [...new Set(roles)].sort();
}

/** The bundle after its changes; the same object where there are none. */
export function changedBundle(bundle: LoadedBundle, changes: readonly Change[]): LoadedBundle {
  const monitored = new Set(
    changes.flatMap((change) => (change.kind === 'clause in monitor' ? [change.clause] : [])),
  );
  const isOpen = changes.some(({ kind }) => kind === 'default deny in monitor');
  let changed = bundle;
  if (monitored.size > 0 || isOpen) {
    changed = withModes(
      bundle,
      ({ id, mode }) => (monitored.has(id) ? 'monitor' : mode),
      isOpen ? 'monitor' : bundle.ir.default_mode,
    );
  }
  for (const change of changes)
    if (change.kind === 'value in a set') changed = withConstant(changed, change.set, change.value);
  return changed;
}

/** The inputs after their changes, up to and including the target, which is the last of `inputs`. */
export function changedInputs(
  inputs: readonly PlayedInput[],
  changes: readonly Change[],
): readonly PlayedInput[] {
  const absent = new Set(
    changes.flatMap((change) => (change.kind === 'action not done before' ? [change.place] : [])),
  );
  const gone = new Set<string>();
  const kept = inputs.filter((one) => {
    const { input } = one;
    if (input.kind === 'outcome') return !gone.has(input.certificate_id);
    if (!isIntent(one) || !absent.has(one.place)) return true;
    gone.add(one.input.certificate_id);
    return false;
  });
  const target = kept.at(-1);
  if (target === undefined || !isIntent(target)) return kept;
  const { place, input } = target;
  const prompts = changes.flatMap((change): PlayedInput[] => {
    if (change.kind !== 'value in the prompt') return [];
    const text = typeof change.value === 'string' ? change.value : canonicalJson(change.value);
    return [{ place, input: { kind: 'prompt', at: input.at, text } }];
  });
  const held = changes.flatMap((change) => (change.kind === 'role held' ? [change.role] : []));
  const principal = { ...input.principal, roles: [...input.principal.roles, ...held] };
  const asked = held.length === 0 ? target : { ...target, input: { ...input, principal } };
  return [...kept.slice(0, -1), ...prompts, asked];
}
