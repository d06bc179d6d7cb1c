import {
  type CedarDecision,
  type CedarEvaluator,
  type CedarRecord,
  type CedarValue,
  cedarRecord,
  cedarSet,
  type EntityData,
  type EntityStore,
  type EntityUid,
  entityStore,
  entityUid,
} from '@provability-fabric/policy/cedar';
import type { Signer } from '../gate/signer.ts';
import { matchName } from './cedar-text.ts';
import { type FileFacts, totalBytes } from './change-facts.ts';
import { matchesCommand } from './command-pattern.ts';
import type { PlanInput } from './plan.ts';
import type { PolicySettings } from './settings.ts';

const CHANGE = entityUid('Change', 'change');
const NOBODY = entityUid('Signer', '');

/** What Cedar said of one file, of one test command or of the change, for all signers together. */
export interface Ruling {
  readonly about: { readonly path: string } | { readonly test: number } | 'change';
  readonly isPermitted: boolean;
  readonly permits: ReadonlySet<string>;
  readonly forbids: ReadonlySet<string>;
  /** Policies that could not be evaluated. */
  readonly errors: ReadonlySet<string>;
}

/** Names of the other rules that block, for a file or for all of the change. */
export interface OtherFindings {
  ofFile(path: string): readonly string[];
  readonly all: readonly string[];
}

/**
 * One request per file, per test command and for the change as a whole, each for every signer: one that a clause forbids
 * blocks whoever else has signed, and one that a clause permits is enough.
 */
export function askCedar(
  evaluator: CedarEvaluator,
  settings: PolicySettings,
  input: PlanInput,
  files: readonly FileFacts[],
  findings: OtherFindings,
): readonly Ruling[] {
  const signers = [...new Map(input.signers.map((signer) => [signer.keyId, signer])).values()];
  const principals = signers.length === 0 ? [NOBODY] : signers.map(({ keyId }) => entityUid('Signer', keyId));
  const entities = entitiesOf(signers, files);
  const shared = sharedContext(settings, input, signers);
  const ask = (about: Ruling['about'], action: string, resource: EntityUid, context: CedarRecord): Ruling =>
    together(
      about,
      principals.map((principal) =>
        evaluator.evaluate({ principal, action: entityUid('Action', action), resource, context, entities }),
      ),
    );
  return [
    ...files.map((facts) => {
      const context = cedarRecord({
        ...shared,
        ...fileContext(facts),
        findings: texts(findings.ofFile(facts.path)),
      });
      return ask({ path: facts.path }, facts.operation, entityUid('File', facts.path), context);
    }),
    ...input.manifest.tests.map((command, test) => {
      const matches = settings.test_commands.filter((pattern) => matchesCommand(pattern, command));
      const context = cedarRecord({
        ...shared,
        command,
        matches: texts(matches.map((pattern) => matchName('test', pattern))),
        findings: texts(findings.all),
      });
      return ask({ test }, 'test', CHANGE, context);
    }),
    ask('change', 'apply', CHANGE, cedarRecord({ ...shared, findings: texts(findings.all) })),
  ];
}

function together(about: Ruling['about'], decisions: readonly CedarDecision[]): Ruling {
  return {
    about,
    isPermitted: decisions.some(({ permits }) => permits.length > 0),
    permits: new Set(decisions.flatMap(({ permits }) => permits)),
    forbids: new Set(decisions.flatMap(({ forbids }) => forbids)),
    errors: new Set(decisions.flatMap(({ errors }) => errors.map(({ policy }) => policy))),
  };
}

const texts = (items: readonly string[]): CedarValue => cedarSet(items);
const long = (value: number): bigint => BigInt(Math.trunc(value));

function fileContext(facts: FileFacts): Record<string, CedarValue> {
  return {
    path: facts.path,
    extension: facts.extension,
    operation: facts.operation,
    edits: texts(facts.edits),
    bytes_before: long(facts.bytesBefore),
    bytes_after: long(facts.bytesAfter),
    edit_bytes: long(facts.editBytes),
    binary: facts.binary,
    generated: facts.generated,
    mode_changed: facts.modeChanged,
    matches: texts(facts.matches),
  };
}

function sharedContext(
  settings: PolicySettings,
  { manifest, changes, purpose }: PlanInput,
  signers: readonly Signer[],
): Record<string, CedarValue> {
  return {
    files: long(changes.length),
    total_bytes: long(totalBytes(manifest)),
    rationale_length: long(rationaleLength(manifest.rationale)),
    tests: long(manifest.tests.length),
    tier: settings.autonomy_tier,
    purpose,
    signers: texts(signers.map(({ keyId }) => keyId)),
    signatures: long(countedSignatures(settings, signers)),
    human_signatures: long(signers.filter(({ role }) => role === 'human').length),
  };
}

/** In characters, spaces around it left aside. */
export function rationaleLength(rationale: string): number {
  return [...rationale.trim()].length;
}

/** Distinct keys that the policy counts. */
export function countedSignatures({ signatures }: PolicySettings, signers: readonly Signer[]): number {
  const counted = signers.filter(
    ({ keyId, role }) =>
      (signatures.keys === null || signatures.keys.includes(keyId)) &&
      (signatures.roles === null || signatures.roles.includes(role)),
  );
  return new Set(counted.map(({ keyId }) => keyId)).size;
}

/** Files in their folders, up to the root, which is the folder without a name; signers in their roles. */
function entitiesOf(signers: readonly Signer[], files: readonly FileFacts[]): EntityStore {
  const folders = new Map<string, EntityData>();
  const folderOf = (path: string): EntityUid => {
    const name = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    const uid = entityUid('Folder', name);
    if (!folders.has(name)) folders.set(name, { uid, parents: name === '' ? [] : [folderOf(name)] });
    return uid;
  };
  const named = new Map(
    files.map(({ path }) => [path, { uid: entityUid('File', path), parents: [folderOf(path)] }]),
  );
  return entityStore([
    ...signers.map(({ keyId, role }) => ({
      uid: entityUid('Signer', keyId),
      parents: [entityUid('Role', role)],
    })),
    ...folders.values(),
    ...named.values(),
  ]);
}
