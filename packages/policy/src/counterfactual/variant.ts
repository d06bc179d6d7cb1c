import type { JsonValue } from '@provability-fabric/kernel';
import type { Mode } from '@provability-fabric/statements';
import type { Clause } from '../compiled-bundle.ts';
import { type LoadedBundle, loadBundle } from '../load-bundle.ts';

/**
 * Whether a mode weakens the clause. The others grant or release: out of enforcement they open nothing, so that to weaken
 * them would restrict.
 */
function isRestriction({ cedar }: LoadedBundle, clause: Clause): boolean {
  if (clause.kind === 'release') return false;
  return clause.kind !== 'permit' || cedar.effectOf(clause.id) === 'forbid';
}

/** The bundle with other modes; `mode` is asked for each restriction. Its digest is another one: it is another bundle. */
export function withModes(
  bundle: LoadedBundle,
  mode: (clause: Clause) => Mode,
  defaultMode: Mode,
): LoadedBundle {
  const { ir, crypto } = bundle;
  const clauses = ir.clauses.map((clause) =>
    isRestriction(bundle, clause) ? { ...clause, mode: mode(clause) } : clause,
  );
  return loadBundle({ ...ir, clauses, default_mode: defaultMode }, crypto);
}

/** The bundle without the releases that somebody has to approve the use of. */
export function withoutAskedReleases({ ir, crypto }: LoadedBundle): LoadedBundle {
  const isAsked = (clause: Clause) => clause.kind === 'release' && clause.approver !== undefined;
  return loadBundle({ ...ir, clauses: ir.clauses.filter((clause) => !isAsked(clause)) }, crypto);
}

/** The bundle with one more value in one of its sets. */
export function withConstant(bundle: LoadedBundle, set: string, value: JsonValue): LoadedBundle {
  const { ir, crypto } = bundle;
  const constants = { ...ir.constants, [set]: [...(ir.constants[set] ?? []), value] };
  return loadBundle({ ...ir, constants }, crypto);
}
