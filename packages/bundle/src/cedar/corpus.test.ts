import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { field, type JsonValue, parseJson } from '@provability-fabric/kernel';
import {
  type CedarIr,
  cedarTypes,
  entitiesFromJson,
  entityFromJson,
  entityStore,
  loadCedar,
  recordFromJson,
} from '@provability-fabric/policy/cedar';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CedarWasm, loadCedarWasm } from './cedar-wasm.ts';
import { compileCedar } from './compile-cedar.ts';

// The cases of cedar-integration-tests. All of them are always evaluated; cedar-wasm, which takes longer, is
// asked about every fortieth, or about all with PF_CEDAR_FULL=1.
const FULL = process.env.PF_CEDAR_FULL === '1';
const CORPORA = process.env.PF_CORPORA ?? join(import.meta.dirname, '../../../../../shared/corpora');
const ARCHIVES = ['corpus-dev.tar.gz', 'handwritten.tar.gz'].map((name) => join(CORPORA, 'cedar', name));
const present = ARCHIVES.every((archive) => existsSync(archive));

interface Case {
  readonly name: string;
  readonly policies: string;
  readonly schema: string;
  readonly entities: JsonValue;
  readonly requests: readonly JsonValue[];
  /** As JavaScript reads it, for cedar-wasm: large integers are rounded. */
  readonly rounded: { readonly entities: unknown; readonly requests: readonly unknown[] };
  readonly hasLargeIntegers: boolean;
}

describe.skipIf(!present && process.env.CI !== 'true')(
  present ? 'the Cedar corpora' : `the Cedar corpora (skipped: none in ${CORPORA})`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'cedar-corpora-'));
    let cedar: CedarWasm;

    beforeAll(async () => {
      for (const archive of ARCHIVES) execFileSync('tar', ['xzf', archive, '-C', folder]);
      cedar = await loadCedarWasm();
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it(
      'are decided as the corpora say: decision, determining and erroring policies',
      async () => {
        const count = {
          cases: 0,
          requests: 0,
          asked: 0,
          cedarDiffers: 0,
          largeIntegers: 0,
          cedarLosesThem: 0,
        };
        const wrong: unknown[] = [];
        for (const file of caseFiles(folder)) {
          const one = readCase(folder, file);
          const decide = await evaluator(one);
          const ask = FULL || count.cases % 40 === 0 || one.hasLargeIntegers || !file.startsWith('corpus/');
          count.cases++;
          for (const [index, request] of one.requests.entries()) {
            const expected = verdict(
              field(request, 'decision'),
              field(request, 'reason'),
              field(request, 'errors'),
            );
            const ours = decide(request);
            count.requests++;
            if (!same(ours, expected)) wrong.push({ case: one.name, index, ours, expected });
            if (!ask) continue;
            const theirs = askCedar(cedar, one, index);
            const agrees = theirs !== undefined && same(theirs, expected);
            if (one.hasLargeIntegers) {
              count.largeIntegers++;
              if (!agrees) count.cedarLosesThem++;
            } else {
              count.asked++;
              if (!agrees) count.cedarDiffers++;
            }
          }
        }
        console.log(`cedar corpora: ${JSON.stringify(count)}`);
        expect(wrong).toEqual([]);
        expect(count.cedarDiffers).toBe(0);
        expect(count.cases).toBe(2022);
      },
      FULL ? 900_000 : 240_000,
    );
  },
);

function caseFiles(folder: string): readonly string[] {
  const listed = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return listed.filter((file) => /^(corpus|tests)\/.*(?<!\.entities)\.json$/.test(file)).sort();
}

function readCase(folder: string, file: string): Case {
  const text = readFileSync(join(folder, file), 'utf8');
  const read = (key: string): string => {
    // Cases name their files by where they lie in the upstream repository.
    const path = String(field(parseJson(text), key)).replace(/^corpus-tests\//, 'corpus/');
    return readFileSync(join(folder, path), 'utf8');
  };
  const entities = read('entities');
  return {
    name: file,
    policies: read('policies'),
    schema: read('schema'),
    entities: parseJson(entities),
    requests: field(parseJson(text), 'requests') as readonly JsonValue[],
    rounded: { entities: JSON.parse(entities), requests: JSON.parse(text).requests },
    hasLargeIntegers: /[:[,\s]-?[0-9]{16,}/.test(entities) || /[:[,\s]-?[0-9]{16,}/.test(text),
  };
}

async function evaluator(one: Case): Promise<(request: JsonValue) => Verdict> {
  // Some cases are ill-typed on purpose: policies are compiled without the schema, which then only types the
  // entities.
  const policies = await compileCedar({ policies: { path: one.name, text: one.policies } });
  const schema = await compileCedar({
    policies: { path: one.name, text: '' },
    schema: { path: one.name, text: one.schema },
  });
  if (!policies.ok || !schema.ok) throw new Error(`${one.name}: ${JSON.stringify({ policies, schema })}`);
  const ir: CedarIr = { ...policies.ir, schema: schema.ir.schema };
  const types = ir.schema ? cedarTypes(ir.schema) : undefined;
  const entities = entityStore(entitiesFromJson(one.entities, types));
  const loaded = loadCedar(ir);
  return (request) => {
    const action = entityFromJson(field(request, 'action'));
    const { decision, determining, errors } = loaded.evaluate({
      principal: entityFromJson(field(request, 'principal')),
      action,
      resource: entityFromJson(field(request, 'resource')),
      context: recordFromJson(field(request, 'context'), types?.contextOf(action)),
      entities,
    });
    return verdict(
      decision,
      determining,
      errors.map(({ policy }) => policy),
    );
  };
}

/** undefined: cedar-wasm refuses the request. */
function askCedar(cedar: CedarWasm, one: Case, index: number): Verdict | undefined {
  const { principal, action, resource, context } = one.rounded.requests[index] as never;
  const answer = cedar.isAuthorized({
    principal,
    action,
    resource,
    context,
    entities: one.rounded.entities as never,
    schema: one.schema,
    policies: { staticPolicies: one.policies },
  });
  if (answer.type === 'failure') return undefined;
  const { decision, diagnostics } = answer.response;
  return verdict(
    decision,
    diagnostics.reason,
    diagnostics.errors.map(({ policyId }) => policyId),
  );
}

interface Verdict {
  readonly decision: unknown;
  readonly determining: readonly string[];
  readonly errors: readonly string[];
}

function verdict(decision: unknown, determining: unknown, errors: unknown): Verdict {
  return {
    decision,
    determining: [...(determining as string[])].sort(),
    errors: [...(errors as string[])].sort(),
  };
}

function same(a: Verdict, b: Verdict): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
