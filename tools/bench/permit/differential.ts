import type { CheckParseAnswer, Entities, StatefulAuthorizationCall } from '@cedar-policy/cedar-wasm/nodejs';
import { type CedarWasm, compileCedar, loadCedarWasm } from '@provability-fabric/bundle/cedar';
import { canonicalJson, type JsonObject, type JsonValue, parseJson } from '@provability-fabric/kernel';
import {
  type CedarIr,
  cedarTypes,
  entitiesFromJson,
  entityFromJson,
  entityStore,
  loadCedar,
  recordFromJson,
} from '@provability-fabric/policy/cedar';
import { PolicyGenerator } from './generate-policies.ts';
import { Random } from './random.ts';
import {
  actionEntities,
  type GeneratedRequest,
  generateEntities,
  generateRequest,
  SCHEMA,
  type Uid,
} from './world.ts';

export interface DifferentialOptions {
  readonly seed: number;
  readonly requests: number;
  readonly requestsPerSet?: number;
}

export interface DifferentialReport {
  readonly policySets: number;
  readonly policies: number;
  readonly requests: number;
  readonly allowed: number;
  readonly withErrors: number;
  readonly withForbids: number;
  readonly differences: readonly Difference[];
}

export interface Difference {
  readonly policySet: string;
  readonly request: GeneratedRequest;
  readonly entities: readonly JsonObject[];
  readonly ours: Verdict;
  readonly cedar: Verdict;
}

interface Verdict {
  readonly decision: string;
  readonly determining: readonly string[];
  readonly errors: readonly string[];
}

type Decide = (request: GeneratedRequest, entities: readonly JsonObject[]) => Verdict;

/**
 * Evaluates generated unions of 50 to 80 policies over deep hierarchies with our evaluator and with
 * cedar-wasm, half of them with a schema (implicit values, actions from the schema), half without. Every part
 * of the verdict must agree.
 */
export async function differential(options: DifferentialOptions): Promise<DifferentialReport> {
  const cedar = await loadCedarWasm();
  const random = new Random(options.seed);
  const perSet = options.requestsPerSet ?? 250;
  const count = { policySets: 0, policies: 0, requests: 0, allowed: 0, withErrors: 0, withForbids: 0 };
  const differences: Difference[] = [];
  while (count.requests < options.requests) {
    const size = 50 + random.below(31);
    const generator = new PolicyGenerator(random);
    const policySet = Array.from({ length: size }, () => generator.policy()).join('\n');
    const withSchema = count.policySets % 4 === 0;
    const world = [...generateEntities(random), ...(withSchema ? [] : actionEntities())];
    const ours = await ourDecision(policySet, withSchema);
    const theirs = cedarDecision(cedar, policySet, withSchema);
    count.policySets++;
    count.policies += size;
    for (let n = 0; n < perSet && count.requests < options.requests; n++) {
      const request = generateRequest(random);
      const entities = slice(random, world, request);
      const a = ours(request, entities);
      const b = theirs(request, entities);
      count.requests++;
      if (a.decision === 'allow') count.allowed++;
      else if (a.determining.length > 0) count.withForbids++;
      if (a.errors.length > 0) count.withErrors++;
      if (JSON.stringify(a) !== JSON.stringify(b))
        differences.push({ policySet, request, entities, ours: a, cedar: b });
    }
  }
  return { ...count, differences };
}

/**
 * Reading entities is most of what cedar-wasm does here: hierarchies stay whole, of the others some are left
 * out.
 */
function slice(
  random: Random,
  world: readonly JsonObject[],
  { principal, resource }: GeneratedRequest,
): JsonObject[] {
  return world.filter(({ uid }) => {
    const { type, id } = uid as Uid;
    if (type !== 'User' && type !== 'Document') return true;
    return id === principal.id || id === resource.id || random.chance(0.3);
  });
}

async function ourDecision(policySet: string, withSchema: boolean): Promise<Decide> {
  const [policies, schema] = await Promise.all([
    compileCedar({ policies: { path: 'policy.cedar', text: policySet } }),
    compileCedar({
      policies: { path: 'none.cedar', text: '' },
      schema: { path: 'schema.cedarschema', text: SCHEMA },
    }),
  ]);
  if (!policies.ok || !schema.ok)
    throw new Error(`expected to compile: ${JSON.stringify({ policies, schema })}`);
  // Ill-typed on purpose: only the schema's types and actions are taken from the validated compilation.
  // Through the canonical form and back, because that is how a bundle travels.
  const written = canonicalJson({
    ...policies.ir,
    schema: withSchema ? schema.ir.schema : null,
  } as unknown as JsonValue);
  const ir = parseJson(written) as unknown as CedarIr;
  const evaluator = loadCedar(ir);
  const types = ir.schema ? cedarTypes(ir.schema) : undefined;
  return ({ principal, action, resource, context }, entities) => {
    const uid = entityFromJson(action);
    const result = evaluator.evaluate({
      principal: entityFromJson(principal),
      action: uid,
      resource: entityFromJson(resource),
      context: recordFromJson(context, types?.contextOf(uid)),
      entities: entityStore(entitiesFromJson(entities, types)),
    });
    const { decision, determining, errors } = result;
    return verdict(
      decision,
      determining,
      errors.map(({ policy }) => policy),
    );
  };
}

function cedarDecision(cedar: CedarWasm, policySet: string, withSchema: boolean): Decide {
  succeed(cedar.preparsePolicySet('differential', { staticPolicies: policySet }));
  succeed(cedar.preparseSchema('differential', SCHEMA));
  return (request, entities) => {
    const answer = cedar.statefulIsAuthorized({
      ...(request as unknown as Pick<
        StatefulAuthorizationCall,
        'principal' | 'action' | 'resource' | 'context'
      >),
      entities: entities as unknown as Entities,
      preparsedPolicySetId: 'differential',
      ...(withSchema ? { preparsedSchemaName: 'differential', validateRequest: true } : {}),
    });
    if (answer.type === 'failure') throw new Error(JSON.stringify(answer.errors));
    const { decision, diagnostics } = answer.response;
    return verdict(
      decision,
      diagnostics.reason,
      diagnostics.errors.map(({ policyId }) => policyId),
    );
  };
}

function verdict(decision: string, determining: readonly string[], errors: readonly string[]): Verdict {
  return { decision, determining: [...determining].sort(), errors: [...errors].sort() };
}

function succeed(answer: CheckParseAnswer): void {
  if (answer.type === 'failure') throw new Error(JSON.stringify(answer.errors));
}
