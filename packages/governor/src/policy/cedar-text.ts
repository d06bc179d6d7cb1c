import { namedPath, pathPattern } from './path-pattern.ts';
import type { OperationWord, PolicySettings } from './settings.ts';

/** Operations of whole files, each an action; the words left are those of an edit's lines. */
const FILE_OPERATIONS = ['create', 'modify', 'delete', 'chmod'] as const;

/** In a Cedar literal nothing but printable ASCII stands for itself. */
function literal(text: string): string {
  const escaped = [...text].map((character) => {
    if (/^[ !#-[\]-~]$/.test(character)) return character;
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
  return `"${escaped.join('')}"`;
}

/** How a pattern of the policy is named in `context.matches`. */
export function matchName(key: 'allow' | 'deny' | 'binary' | 'test', pattern: string): string {
  return `${key}:${pattern}`;
}

/**
 * The settings as Cedar policies, each with the name of its key as `@id`, numbered where a key has several. What a rule
 * restricts it restricts for `plan` and `apply`; for `rollback` only paths that are denied stay so.
 */
export function cedarTextOf(settings: PolicySettings): string {
  return [
    // What is taken back was allowed when it was applied; what is denied stays denied.
    permit('rollback', FILE_SCOPE, RESTORED),
    permit('rollback.test', TEST_SCOPE, RESTORED),
    ...allowPaths(settings),
    ...denyPaths(settings),
    ...operations(settings),
    ...files(settings),
    ...whole(settings),
    ...testCommands(settings),
    ...tier(settings),
  ].join('\n');
}

const FILE_SCOPE = 'principal, action in Action::"change", resource';
const APPLY_SCOPE = 'principal, action == Action::"apply", resource';
const TEST_SCOPE = 'principal, action == Action::"test", resource';
const RESTORED = 'context.purpose == "rollback"';
const CHANGED = 'context.purpose != "rollback"';

const permit = (id: string, scope: string, when?: string): string => policy('permit', id, scope, when);
const forbid = (id: string, scope: string, when: string): string => policy('forbid', id, scope, when);

function policy(effect: 'permit' | 'forbid', id: string, scope: string, when: string | undefined): string {
  const condition = when === undefined ? '' : `\nwhen { ${when} }`;
  return `@id(${literal(id)})\n${effect}(${scope})${condition};\n`;
}

function allowPaths({ allow_paths }: PolicySettings): readonly string[] {
  if (allow_paths.length === 0) return [permit('allow_paths', FILE_SCOPE)];
  return allow_paths.map((text, index) => {
    const pattern = pathPattern(text);
    const id = `allow_paths.${index + 1}`;
    const name = literal(namedPath(pattern));
    if (pattern.kind === 'folder')
      return permit(id, `principal, action in Action::"change", resource in Folder::${name}`);
    if (pattern.kind === 'file')
      return permit(id, `principal, action in Action::"change", resource == File::${name}`);
    return permit(id, FILE_SCOPE, `context.matches.contains(${literal(matchName('allow', text))})`);
  });
}

/** Beside the entities also by what matched: in another case a file system may take a path for a denied one. */
function denyPaths({ deny_paths }: PolicySettings): readonly string[] {
  return deny_paths.map((text, index) => {
    const pattern = pathPattern(text);
    const name = literal(namedPath(pattern));
    const matched = `context.matches.contains(${literal(matchName('deny', text))})`;
    const when =
      pattern.kind === 'glob'
        ? matched
        : `resource in Folder::${name} || resource == File::${name} || ${matched}`;
    return forbid(`deny_paths.${index + 1}`, FILE_SCOPE, when);
  });
}

function operations({ allowed_operations }: PolicySettings): readonly string[] {
  const allowed = new Set<OperationWord>(allowed_operations);
  // The words of edits allow what they do to a file: it is modified.
  const modifies = allowed.has('modify') || allowed.has('replace') || allowed.has('insert');
  const forbidden = FILE_OPERATIONS.filter((word) => (word === 'modify' ? !modifies : !allowed.has(word)));
  // An edit is restricted by its kind only where kinds are listed.
  const kinds = allowed.has('modify')
    ? []
    : (['replace', 'insert', 'delete'] as const).filter((word) => !allowed.has(word));
  return [
    ...forbidden.map((word) =>
      forbid(`allowed_operations.${word}`, `principal, action == Action::"${word}", resource`, CHANGED),
    ),
    ...kinds.map((word) =>
      forbid(
        `allowed_operations.edit-${word}`,
        FILE_SCOPE,
        `${CHANGED} && context.edits.contains("${word}") && context.operation == "modify"`,
      ),
    ),
  ];
}

function files(settings: PolicySettings): readonly string[] {
  const { max_edit_size_bytes, allow_mode_changes, allow_binary, allow_generated, binary_paths } = settings;
  const policies = [
    forbid('max_edit_size_bytes', FILE_SCOPE, `${CHANGED} && context.edit_bytes > ${max_edit_size_bytes}`),
  ];
  if (!allow_mode_changes) {
    policies.push(forbid('allow_mode_changes', FILE_SCOPE, `${CHANGED} && context.mode_changed`));
  }
  if (!allow_binary) {
    const names = binary_paths.map((text) => literal(matchName('binary', text)));
    const except = names.length === 0 ? '' : ` && !context.matches.containsAny([${names.join(', ')}])`;
    policies.push(forbid('allow_binary', FILE_SCOPE, `${CHANGED} && context.binary${except}`));
  }
  if (!allow_generated)
    policies.push(forbid('allow_generated', FILE_SCOPE, `${CHANGED} && context.generated`));
  return policies;
}

function whole(settings: PolicySettings): readonly string[] {
  const { max_total_size_bytes, max_files_per_manifest, min_rationale_length } = settings;
  const limits: readonly (readonly [string, string])[] = [
    ['max_total_size_bytes', `context.total_bytes > ${max_total_size_bytes}`],
    ['max_files_per_manifest', `context.files > ${max_files_per_manifest}`],
    ['min_rationale_length', `context.rationale_length < ${min_rationale_length}`],
    ...(settings.require_tests || settings.safe_mode
      ? [['require_tests', 'context.tests < 1'] as const]
      : []),
  ];
  return [
    permit('apply', APPLY_SCOPE),
    ...limits.map(([id, when]) => forbid(id, APPLY_SCOPE, `${CHANGED} && ${when}`)),
  ];
}

function testCommands({ test_commands }: PolicySettings): readonly string[] {
  if (test_commands.length === 0) return [permit('test_commands', TEST_SCOPE)];
  return test_commands.map((text, index) =>
    permit(
      `test_commands.${index + 1}`,
      TEST_SCOPE,
      `context.matches.contains(${literal(matchName('test', text))})`,
    ),
  );
}

/** Only an apply asks for them: a plan is made before anybody signs, and a rollback is what an admin has asked for. */
function tier({ autonomy_tier, signatures }: PolicySettings): readonly string[] {
  const policies = [
    forbid(
      'signatures',
      APPLY_SCOPE,
      `context.purpose == "apply" && context.signatures < ${signatures.required}`,
    ),
  ];
  if (autonomy_tier === 'alpha')
    policies.push(forbid('autonomy_tier', APPLY_SCOPE, 'context.purpose == "apply"'));
  if (autonomy_tier === 'beta') {
    const when = 'context.purpose == "apply" && context.human_signatures < 1';
    policies.push(forbid('autonomy_tier', APPLY_SCOPE, when));
  }
  return policies;
}
