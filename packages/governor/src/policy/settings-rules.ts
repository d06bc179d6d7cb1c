import { countedSignatures, type Ruling, rationaleLength } from './cedar-requests.ts';
import { type FileFacts, totalBytes } from './change-facts.ts';
import type { ExplainedRule, PlanInput } from './plan.ts';
import { pathFinding, type RuleFinding, shownPath } from './rule.ts';
import type { PolicySettings } from './settings.ts';

interface Asked {
  readonly settings: PolicySettings;
  readonly input: PlanInput;
  readonly files: readonly FileFacts[];
  readonly rulings: readonly Ruling[];
}

interface SettingsRule {
  readonly name: string;
  /** Whether it holds for what is only taken back as well. */
  readonly alsoForRollback?: true;
  /** What the policy asks and what came: shown when it passes and when it does not. */
  detail(asked: Asked): string;
  readonly mend: string;
}

/** The rules that Cedar decides, under the names of their keys. */
const RULES: readonly SettingsRule[] = [
  {
    name: 'allow_paths',
    detail: ({ settings }) =>
      settings.allow_paths.length === 0
        ? 'every path is allowed'
        : `allowed are ${listed(settings.allow_paths)}`,
    mend: 'change only what `allow_paths` or a clause of policy.cedar permits',
  },
  {
    name: 'deny_paths',
    alsoForRollback: true,
    detail: ({ settings }) =>
      settings.deny_paths.length === 0 ? 'no path is denied' : `denied are ${listed(settings.deny_paths)}`,
    mend: 'leave these paths as they are',
  },
  {
    name: 'allowed_operations',
    detail: ({ settings }) => `allowed are ${settings.allowed_operations.join(', ') || 'none'}`,
    mend: 'do only what `allowed_operations` lists',
  },
  {
    name: 'max_edit_size_bytes',
    detail: ({ settings, files }) => {
      const largest = files.reduce((most, { editBytes }) => Math.max(most, editBytes), 0);
      return `the largest edit has ${largest} bytes of at most ${settings.max_edit_size_bytes}`;
    },
    mend: 'split the edit',
  },
  {
    name: 'max_total_size_bytes',
    detail: ({ settings, input }) =>
      `the change carries ${totalBytes(input.manifest)} bytes of at most ${settings.max_total_size_bytes}`,
    mend: 'split the change',
  },
  {
    name: 'max_files_per_manifest',
    detail: ({ settings, input }) =>
      `the change has ${input.changes.length} files of at most ${settings.max_files_per_manifest}`,
    mend: 'split the change',
  },
  {
    name: 'min_rationale_length',
    detail: ({ settings, input }) => {
      const length = rationaleLength(input.manifest.rationale);
      return `the rationale has ${length} characters of at least ${settings.min_rationale_length}`;
    },
    mend: 'say why the change is made',
  },
  {
    name: 'require_tests',
    detail: ({ settings, input }) => {
      const count = `the change names ${input.manifest.tests.length} tests`;
      if (settings.safe_mode) return `${count}; \`safe_mode\` asks for one at least`;
      return settings.require_tests ? `${count} of at least 1` : `${count}, and none is asked for`;
    },
    mend: 'name a command in `tests`',
  },
  {
    name: 'test_commands',
    detail: ({ settings }) =>
      settings.test_commands.length === 0
        ? 'every command is allowed'
        : `allowed are ${listed(settings.test_commands)}`,
    mend: 'use a command that `test_commands` lists, without signs of the shell where it has `*`',
  },
  {
    name: 'allow_mode_changes',
    detail: ({ settings }) =>
      settings.allow_mode_changes ? 'modes may change' : 'modes stay, and no new file can be run',
    mend: 'leave the mode as it is',
  },
  {
    name: 'allow_binary',
    detail: ({ settings }) => (settings.allow_binary ? 'binary files may change' : 'only text changes'),
    mend: 'list the file in `binary_paths`',
  },
  {
    name: 'allow_generated',
    detail: ({ settings }) =>
      settings.allow_generated ? 'generated files may change' : 'no generated file changes',
    mend: 'change what the file is generated from',
  },
  {
    name: 'autonomy_tier',
    detail: ({ settings, input }) => {
      const humans = input.signers.filter(({ role }) => role === 'human').length;
      if (settings.autonomy_tier === 'alpha') return 'tier alpha plans only and applies nothing';
      if (settings.autonomy_tier === 'beta')
        return `tier beta asks for the signature of a person, came ${humans}`;
      return 'tier stable leaves it to the policy';
    },
    mend: 'have a person sign, or let somebody raise the tier',
  },
  {
    name: 'signatures',
    detail: ({ settings, input }) => {
      const { required, keys, roles } = settings.signatures;
      const whose = [keys && `of the keys ${listed(keys)}`, roles && `of the roles ${roles.join(', ')}`];
      const from = whose.filter((part) => part !== null).join(' and ');
      return `${required} signatures ${from === '' ? 'of keys of the ring' : from} are asked for, came ${countedSignatures(settings, input.signers)}`;
    },
    mend: 'have it signed by others as well',
  },
];

/** Rules of policy.yaml that a clause of one's own may not be named like. */
export const SETTINGS_RULES: readonly string[] = RULES.map(({ name }) => name);

const SIGNED_FOR_APPLY = new Set(['autonomy_tier', 'signatures']);

export function explainSettings(asked: Asked): readonly ExplainedRule[] {
  return RULES.map((rule) => ({ rule: rule.name, paths: [], ...explain(rule, asked) }));
}

function explain(rule: SettingsRule, asked: Asked): RuleFinding {
  const { purpose } = asked.input;
  if (purpose === 'rollback' && rule.alsoForRollback !== true) {
    return { verdict: 'not-applicable', detail: 'a rollback takes back what was there before' };
  }
  const detail = rule.detail(asked);
  if (SIGNED_FOR_APPLY.has(rule.name) && purpose === 'plan') {
    return { verdict: 'not-applicable', detail: `asked when it is applied: ${detail}` };
  }
  const blocking = asked.rulings.filter((ruling) => blocks(rule.name, ruling));
  if (blocking.length === 0) return { verdict: 'passed', detail };
  const places = blocking.flatMap(({ about }) =>
    typeof about === 'object' && 'path' in about ? [about.path] : [],
  );
  if (places.length > 0) {
    return pathFinding(
      places
        .map((path) => ({ path, why: detail }))
        .slice(0, 1)
        .concat(places.slice(1).map((path) => ({ path, why: 'likewise' }))),
      detail,
      rule.mend,
    );
  }
  // By its number: a command may hold a secret, and what is said here goes on record.
  const commands = blocking.flatMap(({ about }) =>
    typeof about === 'object' && 'test' in about ? [`test ${about.test + 1}`] : [],
  );
  const came = commands.length === 0 ? '' : `, came ${commands.slice(0, 5).join(', ')}`;
  return { verdict: 'blocked', detail: `${detail}${came}; ${rule.mend}` };
}

function blocks(name: string, { about, isPermitted, forbids, errors }: Ruling): boolean {
  const isMine = (id: string) => id === name || id.startsWith(`${name}.`);
  if ([...forbids, ...errors].some(isMine)) return true;
  if (isPermitted || typeof about === 'string') return false;
  return name === ('path' in about ? 'allow_paths' : 'test_commands');
}

function listed(items: readonly string[]): string {
  const shown = items.slice(0, 8).map(shownPath).join(', ');
  return items.length > 8 ? `${shown} and ${items.length - 8} more` : shown;
}
