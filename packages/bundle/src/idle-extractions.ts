import { flowsTo, type Label, label } from '@provability-fabric/kernel';
import { type Clause, covers, type HandlesRule, type ToolRule } from '@provability-fabric/policy';
import type { Compilation } from './compilation.ts';
import { show } from './shape/read-shape.ts';

const PUBLIC: Label = label('public', [], 'untrusted');

/**
 * A rule for what is never hidden. A result may also be hidden because of the handles that its call was given: so a tool
 * counts as open only if what it may be given is shown as well.
 */
export function checkExtractions(
  handles: HandlesRule | undefined,
  tools: Readonly<Record<string, ToolRule>>,
  clauses: readonly Clause[],
  { locations, found }: Compilation,
): void {
  if (handles === undefined) return;
  const clearances = [handles.clearance, ...handles.roles.map(({ clearance }) => clearance)] as Label[];
  for (const [index, { tool: name }] of handles.extract.entries()) {
    const tool = tools[name];
    if (tool === undefined || !isGuarded(name, tool, clauses)) continue;
    const carried = [tool.returns, sinkOf(tool)];
    const shown = carried.every(
      (each) => each !== null && clearances.every((clearance) => flowsTo(each as Label, clearance)),
    );
    if (!shown) continue;
    found.warning('EXTRACT_IDLE', locations.value('handles', 'extract', index, 'tool'), {
      message: `expected a tool some of whose results are hidden, came \`${show(name)}\`, all of which flow to \`clearance\``,
      mend: 'remove the rule, or raise the label of what the tool returns',
    });
  }
}

/** Nothing goes to it but what flows there: no release lets more pass, and its stores add no label of theirs. */
function isGuarded(name: string, { effect, parameters }: ToolRule, clauses: readonly Clause[]): boolean {
  if (Object.values(parameters).some(({ stores }) => stores !== null)) return false;
  if (clauses.some((clause) => clause.kind === 'release' && covers(everyCase(clause.on), name, effect)))
    return false;
  return clauses.some(
    (clause) =>
      clause.kind === 'flow' &&
      clause.rule === 'session_label' &&
      clause.mode === 'enforce' &&
      covers(clause.on, name, effect),
  );
}

function everyCase<On extends object>(on: On) {
  return { ...on, label: null, args: null, principal: null };
}

/** null: it takes whatever there is. */
function sinkOf({ clearance, effect }: ToolRule): ToolRule['clearance'] {
  return clearance ?? (effect === 'read' ? null : PUBLIC);
}
