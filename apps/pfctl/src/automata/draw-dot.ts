import { visible } from '@provability-fabric/command-line';
import type { AutomataDocument, TraceAutomaton } from '@provability-fabric/policy';
import { drawnTransitions, transitionText } from './transition-text.ts';

/** The automata for Graphviz, one cluster for each clause. */
export function automataAsDot({ automata }: AutomataDocument): string {
  const clusters = automata.map(cluster);
  return `digraph automata {\n  rankdir=LR;\n  node [shape=circle];\n${clusters.join('')}}\n`;
}

function cluster(automaton: TraceAutomaton, index: number): string {
  const { clause, initial, states } = automaton;
  const name = (state: number) => `a${index}_${state}`;
  const nodes = Array.from({ length: states }, (_, state) => {
    const shape = state === initial ? ', penwidth=2' : '';
    return `    ${name(state)} [label=${quoted(String(state))}${shape}];\n`;
  });
  const edges = drawnTransitions(automaton).map((transition) => {
    const look = transition.violation === null ? '' : ', style=dashed, color=red';
    const label = quoted(transitionText(automaton, transition));
    return `    ${name(transition.from)} -> ${name(transition.to)} [label=${label}${look}];\n`;
  });
  const title = quoted(visible(clause));
  return `  subgraph cluster_${index} {\n    label=${title};\n${nodes.join('')}${edges.join('')}  }\n`;
}

/** Names are a bundle's, and a bundle may be anybody's. */
function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
