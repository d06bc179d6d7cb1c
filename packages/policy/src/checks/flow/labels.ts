import { joinLabels, type Label, label, parsePointer } from '@provability-fabric/kernel';
import type { DocumentRule, LabelTemplate, StoreRule, ToolRule } from '../../compiled-bundle.ts';
import { withHandles } from '../../handles/used-handles.ts';
import type { LoadedBundle } from '../../load-bundle.ts';
import type { Event } from '../check.ts';
import { scalarsAt } from './arguments.ts';
import { matchesWildcard, placeOf } from './paths.ts';
import type { ResultPattern } from './result-parts.ts';
import { placePatterns } from './result-places.ts';

/** What is known of nothing: as secret and as untrusted as can be, so that an undeclared tool under shadow taints all. */
const UNKNOWN: Label = label('secret', [], 'untrusted');
/** The sink of a tool that writes or sends without saying what may leave: the public may. */
const PUBLIC_SINK: Label = label('public', [], 'untrusted');

export function forTenant(template: LabelTemplate, tenant: string): Label {
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
      // A handle is refused as a path, and leads nowhere.
      if (typeof value !== 'string' || event.used?.some(({ id }) => id === value)) continue;
      const place = placeOf(value, candidates, event.intent.principal.tenant);
      if (place.kind !== 'outside') found.push(bundle.ir.stores[place.store] as StoreRule);
    }
  }
  return found;
}

/** The label of what the event will return: of the whole, and of the parts that carry less. */
export function resultLabel(
  bundle: LoadedBundle,
  event: Event,
): { readonly label: Label; readonly patterns: readonly ResultPattern[]; readonly text: ToolRule['text'] } {
  const { action, principal } = event.intent;
  if (action.kind === 'read') {
    const rule = documentRule(bundle.ir.documents, action.target);
    return {
      label: rule === undefined ? UNKNOWN : forTenant(rule.label, principal.tenant),
      patterns: [],
      text: 'json',
    };
  }
  const { tool } = event;
  if (tool === undefined) return { label: withHandles(UNKNOWN, event.used), patterns: [], text: 'json' };
  // A tool that does not read answers with what `returns` says; one that does carries what its stores hold as well.
  const reads = tool.effect === 'read' || tool.returns === null;
  const stores = (reads ? storesOf(bundle, event) : []).map((store) =>
    forTenant(store.label, principal.tenant),
  );
  const carried = (template: LabelTemplate) =>
    stores.reduce(joinLabels, forTenant(template, principal.tenant));
  const [first, ...rest] = stores;
  const ofStores = first === undefined ? UNKNOWN : rest.reduce(joinLabels, first);
  const fields = Object.entries(tool.fields).map(([pointer, template]) => ({
    tokens: parsePointer(pointer),
    label: carried(template),
    place: 0,
  }));
  // A tool may answer with what it was given, of which the session knows nothing yet.
  const { used } = event;
  return {
    label: withHandles(tool.returns === null ? ofStores : carried(tool.returns), used),
    patterns: [
      ...(used === undefined
        ? fields
        : fields.map((each) => ({ ...each, label: withHandles(each.label, used) }))),
      ...placePatterns(bundle.places, action.target),
    ],
    text: tool.text,
  };
}

/** Where the event sends what the session knows: every one of these must be able to hold it. */
export function sinksOf(bundle: LoadedBundle, event: Event): readonly Label[] {
  const { tool } = event;
  const { tenant } = event.intent.principal;
  const writes = event.effect !== undefined && event.effect !== 'read';
  const sinks = writes ? storesOf(bundle, event).map((store) => forTenant(store.accepts, tenant)) : [];
  const { action } = event.intent;
  // Who serves a document sees its URI, which the agent may have put together.
  const read = action.kind === 'read' ? documentRule(bundle.ir.documents, action.target) : undefined;
  const clearance = tool?.clearance ?? read?.clearance;
  if (clearance) sinks.push(forTenant(clearance, tenant));
  return sinks.length === 0 && (writes || event.effect === undefined) ? [PUBLIC_SINK] : sinks;
}
