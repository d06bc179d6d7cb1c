import {
  type Crypto,
  canonicalJson,
  type Digest,
  digestJson,
  type JsonValue,
} from '@provability-fabric/kernel';
import { type CedarEvaluator, type EntityStore, loadCedar } from './cedar/index.ts';
import { type ResultPlaces, resultPlaces } from './checks/flow/result-places.ts';
import { isShared } from './checks/limits/shared.ts';
import { toolEntities } from './checks/permit/request.ts';
import { type RunningAutomata, runAutomata } from './checks/trace/run-automaton.ts';
import type {
  Clause,
  CompiledBundle,
  FlowClause,
  HoldClause,
  LimitClause,
  ReleaseClause,
  SharedLimitClause,
  ToolRule,
} from './compiled-bundle.ts';
import { PolicyError } from './errors.ts';
import { CHECKS, type CheckName } from './output.ts';

/** A compiled bundle made ready to run: conditions compiled, clauses sorted by check. */
export interface LoadedBundle {
  readonly ir: CompiledBundle;
  readonly digest: Digest;
  readonly crypto: Crypto;
  readonly cedar: CedarEvaluator;
  /** The tools and their effects, for Cedar. */
  readonly entities: EntityStore;
  readonly clauses: ReadonlyMap<string, Clause>;
  readonly automata: RunningAutomata;
  readonly flows: readonly FlowClause[];
  readonly releases: readonly ReleaseClause[];
  readonly places: ResultPlaces;
  /** Of the session's own. */
  readonly limits: readonly LimitClause[];
  readonly sharedLimits: readonly SharedLimitClause[];
  readonly holds: readonly HoldClause[];
  /** Whether anything in it can wait for somebody's approval. */
  readonly asksApproval: boolean;
  readonly checks: readonly CheckName[];
  /** Clauses that end some day. */
  readonly expiring: readonly Clause[];
  readonly constants: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Throws PolicyError BUNDLE_MALFORMED or CedarError for an IR that no compiler of ours wrote. */
export function loadBundle(ir: CompiledBundle, crypto: Crypto): LoadedBundle {
  const constants = Object.entries(ir.constants).map(
    ([name, values]) => [name, new Set(values.map((value) => canonicalJson(value)))] as const,
  );
  const cedar = loadCedar(ir.cedar);
  const permits = ir.clauses.filter((clause) => clause.kind === 'permit').map(({ id }) => id);
  const policies = cedar.policies.map(({ id }) => id);
  if (permits.toSorted().join('\n') !== policies.toSorted().join('\n')) {
    throw new PolicyError(
      'BUNDLE_MALFORMED',
      'expected one permit clause for each Cedar policy, and no other',
    );
  }
  const asksApproval = ir.clauses.some(
    (clause) => clause.kind === 'hold' || (clause.kind === 'release' && clause.approver !== undefined),
  );
  const limits = ir.clauses.filter((clause) => clause.kind === 'limit');
  return {
    ir,
    digest: digestJson(crypto, ir as unknown as JsonValue),
    crypto,
    cedar,
    entities: toolEntities(ir),
    clauses: new Map(ir.clauses.map((clause) => [clause.id, clause])),
    automata: runAutomata(ir.automata),
    flows: ir.clauses.filter((clause) => clause.kind === 'flow'),
    releases: ir.clauses.filter((clause) => clause.kind === 'release'),
    places: resultPlaces(ir.tools),
    limits: limits.filter((clause) => !isShared(clause)),
    sharedLimits: limits.filter(isShared),
    holds: ir.clauses.filter((clause) => clause.kind === 'hold'),
    asksApproval,
    checks: CHECKS.filter(
      (check) => (check !== 'holds' || asksApproval) && (check !== 'secrets' || ir.secrets !== undefined),
    ),
    expiring: ir.clauses.filter((clause) => clause.expires !== null),
    constants: new Map(constants),
  };
}

/** The rule of a tool; tool names are the agent's, so only own members count. */
export function toolRule(ir: CompiledBundle, tool: string): ToolRule | undefined {
  if (Object.hasOwn(ir.tools, tool)) return ir.tools[tool];
  return Object.hasOwn(ir.tools, '*') ? ir.tools['*'] : undefined;
}
