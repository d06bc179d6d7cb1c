import {
  type Clause,
  covers,
  type DocumentRule,
  type FlowClause,
  type ToolRule,
} from '@provability-fabric/policy';
import type { Compilation } from './compilation.ts';
import { isEffect } from './event-classes.ts';
import { show } from './shape/read-shape.ts';

/** What tools declare means nothing until a clause holds events against it; that must not happen silently. */
export function checkCoverage(
  {
    tools,
    documents,
  }: { readonly tools: Readonly<Record<string, ToolRule>>; readonly documents: readonly DocumentRule[] },
  clauses: readonly Clause[],
  { document, locations, found }: Compilation,
): void {
  const flows = clauses.filter((clause) => clause.kind === 'flow');
  for (const [index, { clearance }] of documents.entries()) {
    if (clearance === undefined || covered(flows, 'session_label', null, 'read')) continue;
    found.error('CLEARANCE_UNGUARDED', locations.key('documents', index, 'clearance'), {
      message: 'expected a clause `rule: session_label` that covers reading documents, came none',
      mend: 'add { id: …, kind: flow, rule: session_label, on: { effects: [read] } }',
    });
  }
  for (const [name, tool] of Object.entries(tools)) {
    // A wrong effect has been refused; which clauses were meant to cover the tool cannot be told.
    if (!isEffect(document.tools[name]?.effect ?? '')) continue;
    const shown = show(name);
    if (Object.keys(tool.parameters).length > 0 && !covered(flows, 'parameters', name, tool.effect)) {
      found.error('PARAMETERS_UNGUARDED', locations.key('tools', name, 'parameters'), {
        message: `expected a clause \`rule: parameters\` that covers the tool \`${shown}\`, came none`,
        mend: `add { id: …, kind: flow, rule: parameters }, or include the tool in its \`on\``,
      });
    }
    const sends = tool.effect === 'write' || tool.effect === 'egress';
    const intoStores = sends && Object.values(tool.parameters).some((parameter) => parameter.stores !== null);
    if (covered(flows, 'session_label', name, tool.effect)) continue;
    if (tool.clearance !== null || intoStores) {
      const key = tool.clearance !== null ? 'clearance' : 'parameters';
      found.error('CLEARANCE_UNGUARDED', locations.key('tools', name, key), {
        message: `expected a clause \`rule: session_label\` that covers the tool \`${shown}\`, came none`,
        mend: `add { id: …, kind: flow, rule: session_label, on: { effects: [${tool.effect}] } }`,
      });
    } else if (sends) {
      found.warning('EGRESS_UNGUARDED', locations.key('tools', name), {
        message: `expected a \`clearance\` and a clause \`rule: session_label\` for the tool \`${shown}\`, came neither`,
        mend: 'all that a session has read may leave through it: say what may',
      });
    }
  }
}

function covered(
  flows: readonly FlowClause[],
  rule: FlowClause['rule'],
  tool: string | null,
  effect: ToolRule['effect'],
): boolean {
  return flows.some((clause) => clause.rule === rule && covers(clause.on, tool, effect));
}
