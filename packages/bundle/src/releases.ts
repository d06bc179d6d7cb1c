import {
  type Clause,
  covers,
  type FlowClause,
  type ReleaseRule,
  releaseProblem,
  type ToolRule,
} from '@provability-fabric/policy';
import { compileApproval } from './approvals.ts';
import type { Compilation } from './compilation.ts';
import { compileEventClass } from './event-classes.ts';
import { compileLabel, formatTemplate } from './labels.ts';
import { compilePointer } from './pointers.ts';
import type { ClauseDocument } from './shape/bundle-shape.ts';
import { show } from './shape/read-shape.ts';

type ReleaseDocument = Extract<ClauseDocument, { rule: 'declassify' | 'endorse' }>;

const MEND = {
  widens: 'release downwards only: then no chain of releases comes back to where it began',
  tenant: 'keep the compartment in `to`: what belongs to a tenant is never released to another',
  shape: 'use a clause of rule declassify for level and compartments, one of rule endorse for integrity',
} as const;
const CODE = { widens: 'RELEASE_WIDENS', tenant: 'RELEASE_TENANT', shape: 'RELEASE_INVALID' } as const;

export function compileRelease(
  written: ReleaseDocument,
  index: number,
  compilation: Compilation,
): ReleaseRule {
  const { locations, found } = compilation;
  const path = ['clauses', index];
  const { id, parameter } = written;
  const release: ReleaseRule = {
    rule: written.rule,
    on: compileEventClass(written.on, [...path, 'on'], id, compilation),
    parameter:
      parameter === undefined
        ? null
        : compilePointer(
            parameter,
            'the name of a parameter',
            locations.value(...path, 'parameter'),
            compilation,
          ),
    type: written.type ?? null,
    from: compileLabel(written.from, [...path, 'from'], compilation),
    to: compileLabel(written.to, [...path, 'to'], compilation),
    ...(written.approver !== undefined && {
      approver: compileApproval(written.approver, [...path, 'approver'], id, compilation),
    }),
  };
  const problem = releaseProblem(release);
  if (problem !== undefined) {
    const labels = `\`${formatTemplate(release.from)}\` to \`${formatTemplate(release.to)}\``;
    found.error(CODE[problem.kind], locations.value(...path, 'to'), {
      clause: id,
      message: `expected ${problem.expected}, came ${labels}`,
      mend: MEND[problem.kind],
    });
  }
  return release;
}

/** A release of what nothing restricts does nothing; somebody believed that it did. */
export function checkReleases(
  tools: Readonly<Record<string, ToolRule>>,
  clauses: readonly Clause[],
  { document, locations, found }: Compilation,
): void {
  const flows = clauses.filter((clause) => clause.kind === 'flow');
  for (const clause of clauses) {
    if (clause.kind !== 'release') continue;
    const index = document.clauses.findIndex(({ id }) => id === clause.id);
    for (const name of clause.on.tools ?? []) {
      const tool = tools[name] ?? tools['*'];
      if (tool === undefined || restricts(flows, clause, name, tool)) continue;
      const what =
        clause.rule === 'endorse' ? 'a demand on the source of that parameter' : 'a `session_label` clause';
      found.error('NEVER_MATCHES', locations.value('clauses', index, 'on', 'tools'), {
        clause: clause.id,
        message: `expected ${what} for the tool \`${show(name)}\`, which the clause could then release, came none`,
        mend: 'leave the tool out, or restrict it first',
      });
    }
  }
}

function restricts(
  flows: readonly FlowClause[],
  { rule, parameter }: ReleaseRule,
  name: string,
  tool: ToolRule,
): boolean {
  if (rule === 'endorse') {
    const demands = tool.parameters[parameter as string];
    return demands !== undefined && (demands.from !== null || demands.trusted);
  }
  // Clauses with further conditions may apply as well; only what can never apply is refused.
  return flows.some(
    ({ rule: other, on }) =>
      other === 'session_label' &&
      covers({ ...on, label: null, args: null, principal: null }, name, tool.effect),
  );
}
