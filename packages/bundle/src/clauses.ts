import { type Clause, parseInstant } from '@provability-fabric/policy';
import type { CedarIr, CedarPolicy } from '@provability-fabric/policy/cedar';
import { compileApproval } from './approvals.ts';
import type { Compilation } from './compilation.ts';
import { compileEventClass } from './event-classes.ts';
import { compileLimit } from './limits.ts';
import { compileRelease } from './releases.ts';
import type { ClauseDocument } from './shape/bundle-shape.ts';
import { MAX_CLAUSES } from './sources.ts';
import { didYouMean } from './suggestion.ts';
import { checkClassSizes } from './trace/class-sizes.ts';
import { compilePattern } from './trace/compile-pattern.ts';
import { checkContradictions } from './trace/contradictions.ts';

/**
 * All clauses: those of bundle.yaml in their order, then the Cedar policies that it does not mention, in
 * theirs. `cedar` is undefined where policy.cedar does not compile; what depends on it is not judged then.
 */
export function compileClauses(cedar: CedarIr | undefined, compilation: Compilation): readonly Clause[] {
  const { document, locations, found } = compilation;
  const policies = new Map(cedar?.policies.map((policy) => [policy.id, policy]));
  const first = new Map<string, ClauseDocument>();
  const clauses: Clause[] = [];
  const errorsBefore = found.errorCount;
  for (const [index, written] of document.clauses.entries()) {
    const { id, kind } = written;
    const place = locations.value('clauses', index, 'id');
    if (first.has(id)) {
      found.error('DUPLICATE_CLAUSE', place, {
        clause: id,
        message: `expected an id that no other clause has, came \`${id}\` again`,
        mend: 'rename one of the two',
      });
      continue;
    }
    first.set(id, written);
    if (cedar !== undefined) checkAgainstPolicies(kind, id, place, policies, compilation);
    const compiled = compileClause(written, index, compilation);
    if (compiled !== undefined) clauses.push(compiled);
  }
  for (const policy of cedar?.policies ?? []) {
    if (!first.has(policy.id)) clauses.push(unmentioned(policy, document.owner));
  }
  checkClassSizes(clauses, compilation);
  if (found.errorCount === errorsBefore) checkContradictions(clauses, compilation);
  if (clauses.length > MAX_CLAUSES) {
    found.error('TOO_MANY', locations.key('clauses'), {
      message: `expected at most ${MAX_CLAUSES} clauses and Cedar policies, came \`${clauses.length}\``,
      mend: 'say with one clause over effects what many say of single tools, or split the bundle',
    });
  }
  return clauses;
}

function checkAgainstPolicies(
  kind: ClauseDocument['kind'],
  id: string,
  place: ReturnType<Compilation['locations']['value']>,
  policies: ReadonlyMap<string, CedarPolicy>,
  { found }: Compilation,
): void {
  const policy = policies.get(id);
  if (kind === 'permit' && policy === undefined) {
    found.error('PERMIT_WITHOUT_POLICY', place, {
      clause: id,
      message: `expected a Cedar policy with \`@id("${id}")\` in policy.cedar, came none`,
      mend: didYouMean(id, policies.keys(), 'write the policy, or remove the clause'),
    });
  }
  if (kind !== 'permit' && policy !== undefined) {
    found.error('CLAUSE_KIND_CLASH', place, {
      clause: id,
      message: `expected an id of its own for a clause of kind ${kind}, came the \`@id\` of the Cedar policy at policy.cedar:${policy.line}`,
      mend: 'rename the clause or the policy',
    });
  }
}

function unmentioned({ id }: CedarPolicy, owner: string): Clause {
  return {
    kind: 'permit',
    id,
    mode: 'enforce',
    severity: 'medium',
    owner,
    expires: null,
    critical: false,
    description: '',
  };
}

/** undefined for a trace clause of no pattern, of which `found` has been told. */
function compileClause(written: ClauseDocument, index: number, compilation: Compilation): Clause | undefined {
  const { document, locations, found } = compilation;
  const { id, mode, severity, critical, description } = written;
  if (document.assurance === 'high' && mode !== 'enforce') {
    found.error('ASSURANCE_MODE', locations.value('clauses', index, 'mode'), {
      clause: id,
      message: `expected mode enforce under \`assurance: high\`, came \`${mode}\``,
      mend: 'enforce the clause, or compile with `assurance: standard`',
    });
  }
  const expires = written.expires === undefined ? null : (parseInstant(written.expires) ?? null);
  const base = { id, mode, severity, owner: written.owner ?? document.owner, expires, critical, description };
  const events = (key: 'on', on: Parameters<typeof compileEventClass>[0]) =>
    compileEventClass(on, ['clauses', index, key], id, compilation);
  switch (written.kind) {
    case 'permit':
      return { ...base, kind: 'permit' };
    case 'trace': {
      const pattern = compilePattern(written, index, compilation);
      return pattern && { ...base, kind: 'trace', pattern };
    }
    case 'flow':
      if (written.rule === 'declassify' || written.rule === 'endorse') {
        return { ...base, kind: 'release', ...compileRelease(written, index, compilation) };
      }
      return { ...base, kind: 'flow', rule: written.rule, on: events('on', written.on) };
    case 'hold':
      return {
        ...base,
        kind: 'hold',
        on: events('on', written.on),
        ...compileApproval(written, ['clauses', index], id, compilation),
      };
    case 'limit':
      return {
        ...base,
        kind: 'limit',
        on: events('on', written.on),
        ...compileLimit(written, index, compilation),
      };
  }
}
