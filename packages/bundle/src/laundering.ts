import { flowsTo } from '@provability-fabric/kernel';
import type { LabelTemplate, StoreRule, ToolRule } from '@provability-fabric/policy';
import type { Compilation } from './compilation.ts';
import { formatTemplate, OWN_TENANT } from './labels.ts';
import { overlap } from './path-pattern.ts';

/**
 * No laundering through a file: whatever may be written somewhere is read back with a label at least as
 * high, through whichever store and for whichever tenant the same path is read (CONTRACTS §2).
 */
export function checkLaundering(
  stores: Readonly<Record<string, StoreRule>>,
  tools: Readonly<Record<string, ToolRule>>,
  compilation: Compilation,
): void {
  for (const [name, store] of Object.entries(stores)) {
    if (!flowsTo(store.accepts, store.label)) refuse(name, store, name, store, compilation);
  }
  for (const written of writtenStores(tools)) {
    const from = stores[written];
    if (from === undefined) continue; // refused already, as an unknown store
    for (const [read, to] of Object.entries(stores)) {
      const launders =
        (read !== written && !flowsTo(from.accepts, to.label) && meet(from, to, compilation, true)) ||
        (!flowsTo(from.accepts, ofAnother(to.label)) && meet(from, to, compilation, false));
      if (launders) refuse(written, from, read, to, compilation);
    }
  }
}

function writtenStores(tools: Readonly<Record<string, ToolRule>>): ReadonlySet<string> {
  const written = new Set<string>();
  for (const tool of Object.values(tools)) {
    if (tool.effect === 'read') continue;
    for (const { stores } of Object.values(tool.parameters))
      for (const store of stores ?? []) written.add(store);
  }
  return written;
}

function meet(a: StoreRule, b: StoreRule, { document: { tenants } }: Compilation, same: boolean): boolean {
  if (!same && new Set(tenants).size < 2) return false;
  return a.paths.some((left) => b.paths.some((right) => overlap(left, right, { ids: tenants, same })));
}

/** The label as another tenant than the writer reads it. */
function ofAnother(label: LabelTemplate): LabelTemplate {
  const compartments = label.compartments
    .map((name) => (name === OWN_TENANT ? 'tenant:{other}' : name))
    .sort();
  return { ...label, compartments };
}

function refuse(
  written: string,
  from: StoreRule,
  read: string,
  to: StoreRule,
  { document, locations, found }: Compilation,
): void {
  const stated = document.stores[written]?.accepts === undefined ? 'label' : 'accepts';
  const reader = written === read ? 'its label' : `the label of \`${read}\`, which shares paths with it,`;
  const tenants = flowsTo(from.accepts, to.label) ? ', for one tenant what another wrote' : '';
  found.error('LAUNDERING', locations.value('stores', written, stated), {
    message:
      `expected ${reader} to be at least what may be written to \`${written}\`` +
      ` (\`${formatTemplate(from.accepts)}\`), came \`${formatTemplate(to.label)}\`${tenants}`,
    mend:
      tenants === ''
        ? 'raise the label, lower what the store accepts, or make the paths disjoint'
        : 'put `{tenant}` into the paths, or drop the compartment',
  });
}
