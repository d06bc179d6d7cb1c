import { joinLabels, type Label, label } from '@provability-fabric/kernel';
import type { DocumentRule, LabelTemplate, StoreRule } from '../../compiled-bundle.ts';
import type { LoadedBundle } from '../../load-bundle.ts';
import type { Event } from '../check.ts';
import { scalarsAt } from './arguments.ts';
import { matchesWildcard, placeOf } from './paths.ts';

/** What is known of nothing: as secret and as untrusted as can be, so that an undeclared tool under shadow taints all. */
const UNKNOWN: Label = label('secret', [], 'untrusted');
/** The sink of a tool that writes or sends without saying what may leave: the public may. */
const PUBLIC_SINK: Label = label('public', [], 'untrusted');

function forTenant(template: LabelTemplate, tenant: string): Label {
  const compartments = template.compartments.map((name) =>
    name === 'tenant:{tenant}' ? `tenant:${tenant}` : name,
  );
  return label(template.level, compartments, template.integrity);
}

export function documentRule(rules: readonly DocumentRule[], uri: string): DocumentRule | undefined {
  return rules.find((rule) => matchesWildcard(rule.uri, uri));
}

/** The stores that the event's path arguments lead into; a path that leads nowhere is the parameters clause's business. */
function storesOf(bundle: LoadedBundle, event: Event): readonly StoreRule[] {
  const found: StoreRule[] = [];
  for (const [pointer, rule] of Object.entries(event.tool?.parameters ?? {})) {
    if (rule.stores === null) continue;
    const candidates = rule.stores.map((name) => [name, bundle.ir.stores[name] as StoreRule] as const);
    for (const value of scalarsAt(event.intent.action.args, pointer)) {
      if (typeof value !== 'string') continue;
      const place = placeOf(value, candidates, event.intent.principal.tenant);
      if (place.kind !== 'outside') found.push(bundle.ir.stores[place.store] as StoreRule);
    }
  }
  return found;
}

/** The label of what the event will return. */
export function resultLabel(bundle: LoadedBundle, event: Event): Label {
  const { action, principal } = event.intent;
  if (action.kind === 'read') {
    const rule = documentRule(bundle.ir.documents, action.target);
    return rule === undefined ? UNKNOWN : forTenant(rule.label, principal.tenant);
  }
  if (event.tool === undefined) return UNKNOWN;
  const returns = event.tool.returns === null ? [] : [forTenant(event.tool.returns, principal.tenant)];
  // A tool that does not read answers with what `returns` says; one that does carries what its stores hold as well.
  const reads = event.tool.effect === 'read' || returns.length === 0;
  const stores = reads ? storesOf(bundle, event) : [];
  const parts = [...returns, ...stores.map((store) => forTenant(store.label, principal.tenant))];
  const [first, ...rest] = parts;
  return first === undefined ? UNKNOWN : rest.reduce(joinLabels, first);
}

/** Where the event sends what the session knows: every one of these must be able to hold it. */
export function sinksOf(bundle: LoadedBundle, event: Event): readonly Label[] {
  const { tool } = event;
  const { tenant } = event.intent.principal;
  const writes = event.effect !== undefined && event.effect !== 'read';
  const sinks = writes ? storesOf(bundle, event).map((store) => forTenant(store.accepts, tenant)) : [];
  if (tool?.clearance) sinks.push(forTenant(tool.clearance, tenant));
  return sinks.length === 0 && (writes || event.effect === undefined) ? [PUBLIC_SINK] : sinks;
}
